//! What can be wrong with a file of weights.

use std::{io, path::PathBuf};

use thiserror::Error;

/// A part of a file that is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{part}: expected {expected}, found {found}")]
pub struct Flaw {
    /// Tensor, member or place in the file.
    pub part: String,
    /// What it must be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

impl Flaw {
    /// A flaw of a part.
    pub fn new(
        part: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            part: part.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// A read that gave an error: the file is shorter than it says, or the disk failed.
    pub(crate) fn unread(part: &str, error: &io::Error) -> Self {
        Self::new(part, "bytes that can be read", error.to_string())
    }
}

/// Why weights cannot be read or written.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The file system refuses.
    #[error("{} cannot be {action}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// Its reason.
        #[source]
        source: io::Error,
    },
    /// The content is damaged, hostile or of something else.
    #[error("{}: {flaw}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        flaw: Flaw,
    },
}
