//! Panics become failures, with the place where they began.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use crate::failure::{Code, Failure};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`; a panic in it is a failure. Nothing is printed: message and place go into the failure.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    note_places();
    let outer = GUARDED.replace(true);
    // What `work` borrows may be left half changed: a caller that goes on with it after a failure must bear that.
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    outcome.unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

/// Keeps the place of a guarded panic instead of printing it; any other panic is printed as before.
fn note_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if GUARDED.get() {
                PLACE.set(info.location().map(ToString::to_string));
            } else {
                print(info);
            }
        }));
    });
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    let place = PLACE.take().unwrap_or_else(|| "unknown place".to_owned());
    Failure::new(
        Code::Native,
        format!("the engine panicked at {place}: {text}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_failure_that_names_its_place() {
        let failure = guarded::<()>(|| panic!("lost {}", "it")).unwrap_err();
        assert_eq!(failure.code, Code::Native);
        let (place, text) = failure.message.rsplit_once(": ").unwrap();
        assert_eq!(text, "lost it");
        assert!(
            place.starts_with("the engine panicked at ") && place.contains("guard.rs:"),
            "{place}"
        );
    }

    #[test]
    fn what_succeeds_or_fails_passes_through() {
        assert_eq!(guarded(|| Ok(7)), Ok(7));
        let failure = Failure::new(Code::Run, "damaged");
        assert_eq!(guarded::<()>(|| Err(failure.clone())), Err(failure));
    }
}
