//! The errors of the engine. Each names the thing, what was expected and what was received.

use std::{io, path::PathBuf};

use thiserror::Error;

/// Why the engine could not do what it was asked.
#[derive(Debug, Error)]
pub enum UdiError {
    /// A value of the caller that does not fit.
    #[error("{field}: expected {expected}, received {received}")]
    Argument {
        /// Name of the value, as the public interface calls it.
        field: String,
        /// What would fit.
        expected: String,
        /// What was given.
        received: String,
    },
    /// A loss term that is not a finite number. Weights, teacher and centres are as before the step.
    #[error("step {step}: expected a finite loss, received {value} for {term}")]
    NonFinite {
        /// Number of the step, counted from 1.
        step: i64,
        /// Name of the term.
        term: &'static str,
        /// Its value.
        value: f64,
    },
    /// A state file that is damaged or belongs to another model.
    #[error("{path}: expected {expected}, found {found}")]
    State {
        /// The file.
        path: PathBuf,
        /// What this learner's state holds.
        expected: String,
        /// What the file holds.
        found: String,
    },
    /// A file that cannot be read or written.
    #[error("{path} cannot be {action}")]
    Io {
        /// The file.
        path: PathBuf,
        /// "read" or "written".
        action: &'static str,
        /// Why.
        source: io::Error,
    },
    /// An exception of libtorch: memory, a device that failed.
    #[error("libtorch failed: {0}")]
    Torch(#[from] tch::TchError),
    /// An image or a recipe that makes no view.
    #[error(transparent)]
    View(#[from] udi_views::ViewError),
    /// Tensors that a fused operation cannot read: a defect of the engine.
    #[error("a fused operation was refused")]
    Rows(#[from] torch_ext::RowsError),
}

impl UdiError {
    /// A value that does not fit.
    pub(crate) fn argument(
        field: impl Into<String>,
        expected: impl Into<String>,
        received: impl ToString,
    ) -> Self {
        Self::Argument {
            field: field.into(),
            expected: expected.into(),
            received: received.to_string(),
        }
    }
}

/// `Err` with an [`UdiError::Argument`] unless `holds`.
pub(crate) fn expect(
    holds: bool,
    field: &str,
    expected: impl FnOnce() -> String,
    received: impl ToString,
) -> Result<(), UdiError> {
    if holds {
        return Ok(());
    }
    Err(UdiError::argument(field, expected(), received))
}
