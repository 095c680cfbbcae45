//! The operations on rows for CUDA devices: kernels of our own, compiled for the device at run time.
//!
//! Their text stands in `cuda/`. Tests run it on the CPU too, where [`program::Program::launch`] emulates the device.

mod adamw;
mod attention;
mod columns;
mod embedding;
mod layer_norm;
mod operand;
mod program;
mod prototypes;
mod sampling;
mod softmax;

pub use adamw::{DeviceLearning, DeviceRule, DeviceUpdate, adamw_on_device};
pub use attention::has_cuda_attention;
pub(crate) use attention::{attention, attention_backward};
pub(crate) use columns::{branch_gradient, column_sums, gelu, gelu_backward, join};
pub use embedding::{embed, patch_gradient, patches};
pub(crate) use layer_norm::{Branch, Norm, add_branch_and_norm, layer_norm_backward};
pub use prototypes::{prototype_gradients, prototypes};
pub use sampling::weighted_rows;
pub(crate) use softmax::{cross_entropy_rows, softmax_rows};

#[cfg(all(test, target_os = "linux"))]
mod tests;

use tch::Device;

/// Why this device has no kernels of ours; None: it has.
pub fn without_cuda_kernels(device: Device) -> Option<String> {
    let Device::Cuda(index) = device else {
        return Some("not a CUDA device".to_owned());
    };
    program::usable(index).err()
}
