//! Safetensors files written from front to back: a header that is known first, then the tensors in its order. The
//! SHA-256 is computed on the way, and the file is there whole or not at all.
//!
//! The bytes are those of the crate `safetensors`, which cannot hash what it writes and wants all tensors at once.

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod hashed_file;
mod layout;

pub use hashed_file::{HashedFile, Written};
pub use layout::{Described, Layout};
