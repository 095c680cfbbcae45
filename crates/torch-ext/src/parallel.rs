//! Work on the threads that libtorch itself computes with.
//!
//! They wait in libgomp for a moment after every operation, so that the next one starts within microseconds. Threads of
//! our own would take up to a millisecond to start, beside them.

use std::{
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// `GOMP_parallel(body, data, threads, flags)`: runs `body(data)` once on each of so many threads, this one among them.
type Team = unsafe extern "C" fn(extern "C" fn(*mut c_void), *mut c_void, u32, u32);

/// Calls `body` once with every part, each on one of libtorch's threads, and returns when all are done.
pub fn parallel<P: Send>(parts: Vec<P>, body: impl Fn(P) + Sync) {
    let threads = usize::try_from(tch::get_num_threads()).unwrap_or(1);
    let threads = threads.min(parts.len());
    if threads <= 1 {
        return parts.into_iter().for_each(body);
    }
    let parts: Vec<_> = parts
        .into_iter()
        .map(|part| Mutex::new(Some(part)))
        .collect();
    let next = AtomicUsize::new(0);
    let take = || {
        while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let part = part.lock().map(|mut part| part.take());
            if let Ok(Some(part)) = part {
                body(part);
            }
        }
    };
    match team() {
        Some(team) => on_team(team, threads, &take),
        None => thread::scope(|scope| {
            (1..threads).for_each(|_| drop(scope.spawn(take)));
            take();
        }),
    }
}

/// How many parts `values` are worth: one below `VALUES_OF_A_PART`, else one for each thread.
pub(crate) fn parts_for(values: usize) -> usize {
    /// A thread works on them for a few microseconds, as long as its start takes.
    const VALUES_OF_A_PART: usize = 1 << 13;
    let threads = usize::try_from(tch::get_num_threads()).unwrap_or(1);
    threads.min(values / VALUES_OF_A_PART).max(1)
}

struct Job<'a> {
    body: &'a (dyn Fn() + Sync),
    panic: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

fn on_team(team: Team, threads: usize, body: &(dyn Fn() + Sync)) {
    extern "C" fn run(data: *mut c_void) {
        // SAFETY: `data` is the `Job` below, which outlives the call of `team`; it is only shared.
        let job = unsafe { &*data.cast_const().cast::<Job>() };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(job.body))
            && let Ok(mut panic) = job.panic.lock()
        {
            *panic = Some(payload);
        }
    }
    let job = Job {
        body,
        panic: Mutex::new(None),
    };
    // SAFETY: `team` is `GOMP_parallel`, which has this signature and returns when all threads have left `run`; `run` never
    // unwinds, and what it calls may run on several threads at once.
    unsafe { team(run, (&raw const job).cast_mut().cast(), threads as u32, 0) };
    if let Some(payload) = job.panic.into_inner().ok().flatten() {
        resume_unwind(payload);
    }
}

/// libgomp as libtorch has loaded it; None where libtorch uses another runtime.
fn team() -> Option<Team> {
    static TEAM: OnceLock<Option<Team>> = OnceLock::new();
    *TEAM.get_or_init(|| {
        // SAFETY: `dlsym` takes a name that ends in a zero and looks it up among the libraries of the process. The function
        // of this name has this signature in every libgomp since gcc 4.9.
        unsafe {
            let symbol = libc::dlsym(libc::RTLD_DEFAULT, c"GOMP_parallel".as_ptr());
            (!symbol.is_null()).then(|| std::mem::transmute::<*mut c_void, Team>(symbol))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_worked_on_once_whatever_their_number() {
        for count in [0, 1, 2, 3, 17] {
            let mut values = vec![0; count];
            parallel(values.iter_mut().enumerate().collect(), |(index, value)| {
                *value += index + 1;
            });
            assert_eq!(values, (1..=count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_threads_stay_of_use() {
        let result = catch_unwind(|| parallel(vec![0, 1, 2, 3], |part| assert_ne!(part, 2)));
        assert!(result.is_err());
        let sum = AtomicUsize::new(0);
        parallel(vec![1, 2, 3], |part| {
            sum.fetch_add(part, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 6);
    }

    #[test]
    fn libtorch_has_brought_its_threads() {
        let _ = tch::get_num_threads();
        assert!(team().is_some());
    }
}
