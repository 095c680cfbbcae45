//! The Vision Transformer (spec/method.md section 1): one layer a file.

mod attention;
mod attention_core;
mod block;
mod drop_path;
mod embedding;
mod layout;
mod patch_embedding;
mod position_embedding;
mod vision_transformer;

pub(crate) use attention_core::{attend, join_heads, split_heads};
pub(crate) use drop_path::DropPaths;
pub(crate) use position_embedding::grid_side;
pub use position_embedding::resample_positions;
pub(crate) use vision_transformer::{Encoded, Keep, Readout, Tape, Views, VisionTransformer};

#[cfg(test)]
mod tests;
