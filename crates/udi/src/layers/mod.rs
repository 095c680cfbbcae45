//! Layers that the backbone, the sampling attention and the head share.

mod layer_norm;
mod linear;

pub(crate) use layer_norm::LayerNorm;
pub(crate) use linear::Linear;
