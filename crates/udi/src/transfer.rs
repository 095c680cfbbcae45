//! From host to device without a wait: through pinned memory, in the order of the device's own work.

use tch::{Device, TchError, Tensor};

/// A tensor of the host on the device. On the CPU it is the same tensor.
pub(crate) fn to_device(tensor: &Tensor, device: Device) -> Result<Tensor, TchError> {
    match device {
        Device::Cuda(index) => torch_ext::send_to_cuda(tensor, index),
        _ => tensor.f_to_device(device),
    }
}
