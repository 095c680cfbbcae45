//! What tch lacks, with a safe face. The only crate of the project with `unsafe`; each use says why it is sound.

#![deny(unsafe_op_in_unsafe_fn)]

mod denormals;
mod dot;
mod rows;
mod softmax;

pub use denormals::flush_denormals;
pub use dot::dot;
pub use rows::{RowsError, for_rows};
pub use softmax::{cross_entropy, softmax};
