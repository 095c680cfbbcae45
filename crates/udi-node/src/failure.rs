//! The one place where an error becomes a JavaScript one.

use std::error::Error;

use napi::{Env, JsError};
use udi::UdiError;

/// Kind of a failure: the `code` of the JavaScript error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// A value of the caller that does not fit.
    Argument,
    /// A loss that is not a finite number.
    NonFinite,
    /// A state file that cannot be used.
    Run,
    /// libtorch or the engine failed.
    Native,
}

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        match self {
            Self::Argument => "UDI_ARGUMENT",
            Self::NonFinite => "UDI_NON_FINITE",
            Self::Run => "UDI_RUN",
            Self::Native => "UDI_NATIVE",
        }
    }
}

/// Why a call failed, on its way to JavaScript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Kind.
    pub code: Code,
    /// The error and those behind it, in one line each.
    pub message: String,
    /// Full texts of the errors behind it, the nearest first.
    pub causes: Vec<String>,
}

/// Where libtorch begins to list the C++ functions that led to an exception.
const CPP_TRACE: &str = "\nException raised from";

/// The text without the list of C++ functions.
fn brief(text: &str) -> &str {
    text.split(CPP_TRACE).next().unwrap_or(text).trim_end()
}

impl Failure {
    /// A failure with nothing behind it.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code,
            message,
            causes: Vec::new(),
        }
    }

    /// An error with its whole chain of sources.
    pub fn of(code: Code, error: &dyn Error) -> Self {
        let mut failure = Self::new(code, brief(&error.to_string()));
        let mut source = error.source();
        while let Some(error) = source {
            failure.add_cause(error.to_string());
            source = error.source();
        }
        failure
    }

    /// The same failure, told of a part of what was asked: `image 3: …`.
    pub fn within(self, part: &str) -> Self {
        let message = format!("{part}: {}", self.message);
        Self { message, ..self }
    }

    fn add_cause(&mut self, text: String) {
        if !self.message.contains(brief(&text)) {
            self.message = format!("{}: {}", self.message, brief(&text));
        }
        self.causes.push(text);
    }

    /// The JavaScript error: `code`, message, and a `cause` for each error behind it.
    pub fn into_napi(self, env: &Env) -> napi::Error {
        let mut error = napi::Error::new(self.code, self.message);
        error.cause = cause(self.causes);
        napi::Error::from(JsError::from(error).into_unknown(*env))
    }
}

fn cause(texts: Vec<String>) -> Option<Box<napi::Error>> {
    let chain = |behind: Option<Box<napi::Error>>, text| {
        let mut error = napi::Error::from_reason(text);
        error.cause = behind;
        Some(Box::new(error))
    };
    texts.into_iter().rev().fold(None, chain)
}

impl From<UdiError> for Failure {
    fn from(error: UdiError) -> Self {
        let code = match &error {
            UdiError::Argument { .. } | UdiError::View(_) => Code::Argument,
            UdiError::NonFinite { .. } => Code::NonFinite,
            UdiError::State { .. } | UdiError::Io { .. } => Code::Run,
            UdiError::Torch(_) | UdiError::Rows(_) => Code::Native,
        };
        Self::of(code, &error)
    }
}

impl From<udi_views::ViewError> for Failure {
    fn from(error: udi_views::ViewError) -> Self {
        Self::of(Code::Argument, &error)
    }
}

impl From<udi_weights::WeightsError> for Failure {
    fn from(error: udi_weights::WeightsError) -> Self {
        Self::of(Code::Run, &error)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("state.safetensors cannot be written")]
    struct Unwritten(#[source] io::Error);

    #[test]
    fn a_message_ends_with_the_errors_behind_it() {
        let error = Unwritten(io::Error::other("the disk is full"));
        let failure = Failure::of(Code::Run, &error);
        assert_eq!(
            failure.message,
            "state.safetensors cannot be written: the disk is full"
        );
        assert_eq!(failure.causes, ["the disk is full"]);
    }

    #[test]
    fn the_list_of_cpp_functions_stays_out_of_the_message() {
        let text = "not enough memory\nException raised from alloc at a.cpp:1\nframe #0: f";
        let error = Unwritten(io::Error::other(text));
        let failure = Failure::of(Code::Native, &error);
        assert_eq!(
            failure.message,
            "state.safetensors cannot be written: not enough memory"
        );
        assert_eq!(failure.causes, [text]);
    }

    #[test]
    fn a_part_goes_in_front() {
        let failure = Failure::new(Code::Argument, "expected a crop").within("image 3");
        assert_eq!(failure.message, "image 3: expected a crop");
    }
}
