//! Layers that the backbone, the sampling attention and the head share.

mod gradients;
mod layer_norm;
mod linear;
mod product;
mod row_pass;

pub(crate) use gradients::HandGradients;
pub(crate) use layer_norm::{LayerNorm, NextBranch};
pub(crate) use linear::{Linear, OutputGradient};
pub(crate) use product::{linear, linear_alone, weight_gradient};
pub(crate) use row_pass::{Norm, RowPass};
