//! Memory of CUDA devices, and of the host for them.

use std::{
    ffi::{c_char, c_int, c_void},
    ptr,
};

use tch::{TchError, Tensor};

use crate::shim::{Handle, outcome};

unsafe extern "C" {
    fn udi_pinned_copy(
        values: *const c_void,
        count: i64,
        is_float: c_int,
        copy: *mut *mut Handle,
    ) -> *mut c_char;
    fn udi_send_to_cuda(tensor: *const Handle, index: c_int, sent: *mut *mut Handle)
    -> *mut c_char;
    fn udi_peak_cuda_bytes(index: c_int, bytes: *mut i64) -> *mut c_char;
}

/// Values that can be copied to pinned memory.
#[derive(Debug, Clone, Copy)]
pub enum HostValues<'a> {
    /// 8-bit whole numbers.
    Bytes(&'a [u8]),
    /// fp32.
    Floats(&'a [f32]),
}

/// A flat copy in pinned memory, from which a CUDA device reads while the host goes on. Fails where there is no such device.
pub fn pinned_copy(values: HostValues) -> Result<Tensor, TchError> {
    let (start, count, is_float) = match values {
        HostValues::Bytes(bytes) => (bytes.as_ptr().cast(), bytes.len(), 0),
        HostValues::Floats(floats) => (floats.as_ptr().cast(), floats.len(), 1),
    };
    let mut copy: *mut Handle = ptr::null_mut();
    // SAFETY: as many values of this kind lie there as are said.
    outcome(unsafe { udi_pinned_copy(start, count as i64, is_float, &raw mut copy) })?;
    // SAFETY: without an error it points to a new tensor that nobody else owns.
    Ok(unsafe { Tensor::from_ptr(copy.cast()) })
}

/// A copy of a host tensor on a CUDA device, by way of pinned memory: later work of the device waits for it, the host does
/// not.
pub fn send_to_cuda(tensor: &Tensor, index: usize) -> Result<Tensor, TchError> {
    let index = device_index(index)?;
    let mut sent: *mut Handle = ptr::null_mut();
    // SAFETY: the handle points to a living tensor.
    outcome(unsafe { udi_send_to_cuda(tensor.as_ptr().cast(), index, &raw mut sent) })?;
    // SAFETY: without an error it points to a new tensor that nobody else owns.
    Ok(unsafe { Tensor::from_ptr(sent.cast()) })
}

/// Most bytes that tensors of a CUDA device took at once so far, by libtorch's allocator.
pub fn peak_cuda_bytes(index: usize) -> Result<u64, TchError> {
    let index = device_index(index)?;
    let mut bytes = 0;
    // SAFETY: the number is written before the call returns.
    outcome(unsafe { udi_peak_cuda_bytes(index, &raw mut bytes) })?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

fn device_index(index: usize) -> Result<c_int, TchError> {
    c_int::try_from(index).map_err(|error| TchError::Torch(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Cuda, Device, Kind};

    #[test]
    fn what_needs_a_device_is_an_error_where_there_is_none() {
        if Cuda::is_available() {
            return;
        }
        let tensor = Tensor::zeros([3], (Kind::Float, Device::Cpu));
        assert!(send_to_cuda(&tensor, 0).is_err());
        assert!(pinned_copy(HostValues::Bytes(&[1, 2])).is_err());
        assert!(peak_cuda_bytes(0).is_err());
    }

    #[test]
    #[ignore = "needs a CUDA device"]
    fn values_arrive_on_a_device_by_way_of_pinned_memory() {
        let pinned = pinned_copy(HostValues::Floats(&[1.0, 2.0])).unwrap();
        let sent = send_to_cuda(&pinned, 0).unwrap();
        assert_eq!(sent.device(), Device::Cuda(0));
        assert_eq!(
            sent.to_device(Device::Cpu),
            Tensor::from_slice(&[1.0f32, 2.0])
        );
        assert!(peak_cuda_bytes(0).unwrap() > 0);
    }
}
