//! Where panics of tensor operations become errors.
//!
//! Tensor arithmetic uses tch's plain methods, which panic with the message of a C++ exception. Each public method of
//! the learner runs inside [`guard`], so that none of them unwinds into its caller.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tch::TchError;

use crate::error::UdiError;

/// Runs `action`; a panic becomes [`UdiError::Torch`].
///
/// Unwinding is safe to go on from: a step changes weights, teacher and centres only after all that may fail on its
/// input, and a state that is half read is thrown away.
pub(crate) fn guard<T>(action: impl FnOnce() -> Result<T, UdiError>) -> Result<T, UdiError> {
    match catch_unwind(AssertUnwindSafe(action)) {
        Ok(result) => result,
        Err(payload) => Err(TchError::Torch(message(payload.as_ref())).into()),
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    readable(text.unwrap_or("a panic without a message"))
}

/// What libtorch said, out of the debug text of the error that was unwrapped, without the C++ stack behind it.
fn readable(panic: &str) -> String {
    let Some((_, quoted)) = panic.split_once("Torch(\"") else {
        return panic.to_owned();
    };
    let said = quoted
        .trim_end_matches("\")")
        .replace("\\n", "\n")
        .replace("\\\"", "\"")
        .replace("\\'", "'");
    match said.split_once("\nException raised from") {
        Some((message, _)) => message.to_owned(),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Tensor;

    #[test]
    fn an_exception_of_libtorch_becomes_an_error_with_its_words() {
        let result = guard(|| Ok(Tensor::from_slice(&[1f32, 2.0]).view([3])));
        let text = result.map(|_| ()).unwrap_err().to_string();
        let expected =
            "libtorch failed: Internal torch error: shape '[3]' is invalid for input of size 2";
        assert_eq!(text, expected);
    }
}
