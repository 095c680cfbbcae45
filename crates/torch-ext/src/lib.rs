//! What tch lacks, with a safe face. The only crate of the project with `unsafe`; each use says why it is sound.

#![deny(unsafe_op_in_unsafe_fn)]

mod attention;
mod branch;
mod column_sums;
mod cuda;
mod denormals;
mod device_memory;
mod dot;
mod element;
mod exp;
mod foreach;
mod fused_attention;
mod gelu;
mod large;
mod late_copy;
mod layer_norm;
mod lent;
mod parallel;
mod processor;
mod row_parts;
mod rows;
mod shim;
mod softmax;
mod softmax_rows;
mod tile;
mod trace;
mod update;
mod vector;

pub use attention::{
    AttentionGradient, AttentionShape, attention, attention_backward, has_attention,
};
pub use branch::{BranchGradient, add_branch, branch_gradient};
pub use column_sums::{column_sums, join_columns};
pub use cuda::{
    DeviceLearning, DeviceRule, DeviceUpdate, adamw_on_device, embed, has_cuda_attention,
    patch_gradient, patches, prototype_gradients, prototypes, weighted_rows, without_cuda_kernels,
};
pub use denormals::flush_denormals;
pub use device_memory::{HostValues, peak_cuda_bytes, pinned_copy, send_to_cuda};
pub use dot::dot;
pub use foreach::{
    AdamwLists, FusedAdamw, foreach_convert, foreach_lerp, foreach_mul, foreach_norm, fused_adamw,
};
pub use fused_attention::FusedAttention;
pub use gelu::{GeluBackward, gelu, gelu_backward};
pub use large::empty_large;
pub use late_copy::LateCopy;
pub use layer_norm::{
    NormGradients, Normed, add_branch_and_norm, layer_norm, layer_norm_backward,
    layer_norm_backward_to_branch,
};
pub use parallel::parallel;
pub use processor::mkl_leaves_avx512_unused;
pub use rows::{RowsError, for_rows};
pub use softmax_rows::{cross_entropy_rows, softmax_rows};
pub use trace::Trace;
pub use update::{AdamwArrays, AdamwStep, adamw, square_sums};
