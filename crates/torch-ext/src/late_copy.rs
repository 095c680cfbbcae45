//! Copies to the host that nobody waits for until their values are asked for.

use std::{
    ffi::{c_char, c_int},
    ptr::{self, NonNull},
};

use tch::{TchError, Tensor};

use crate::shim::{Handle, outcome};

/// A copy of C++'s side.
#[repr(C)]
struct CopyHandle([u8; 0]);

unsafe extern "C" {
    fn udi_late_copy(tensor: *const Handle, copy: *mut *mut CopyHandle) -> *mut c_char;
    fn udi_late_copy_ready(copy: *const CopyHandle, ready: *mut c_int) -> *mut c_char;
    fn udi_late_copy_wait(copy: *const CopyHandle, values: *mut *mut Handle) -> *mut c_char;
    fn udi_late_copy_free(copy: *mut CopyHandle);
}

/// Values on their way to the host: the device copies them to pinned memory after the work that was given to it before.
/// Belongs to the thread that made it.
#[derive(Debug)]
pub struct LateCopy(NonNull<CopyHandle>);

impl LateCopy {
    /// Begins a copy. On the CPU it is made at once.
    pub fn of(tensor: &Tensor) -> Result<Self, TchError> {
        let mut copy = ptr::null_mut();
        // SAFETY: the handle points to a living tensor.
        outcome(unsafe { udi_late_copy(tensor.as_ptr().cast(), &raw mut copy) })?;
        NonNull::new(copy)
            .map(Self)
            .ok_or_else(|| TchError::Torch("a copy that was not made".to_owned()))
    }

    /// Whether the values have arrived.
    pub fn is_ready(&self) -> Result<bool, TchError> {
        let mut ready = 0;
        // SAFETY: the copy lives until it is dropped; the number is written before the call returns.
        outcome(unsafe { udi_late_copy_ready(self.0.as_ptr(), &raw mut ready) })?;
        Ok(ready != 0)
    }

    /// The values, once they have arrived.
    pub fn wait(self) -> Result<Tensor, TchError> {
        let mut values = ptr::null_mut();
        // SAFETY: as in `is_ready`.
        outcome(unsafe { udi_late_copy_wait(self.0.as_ptr(), &raw mut values) })?;
        // SAFETY: without an error it points to a new tensor that nobody else owns.
        Ok(unsafe { Tensor::from_ptr(values.cast()) })
    }
}

impl Drop for LateCopy {
    fn drop(&mut self) {
        // SAFETY: it is given back once. Pinned memory that a device still writes to is kept by libtorch until it is done.
        unsafe { udi_late_copy_free(self.0.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn values_are_those_of_the_moment_when_the_copy_began() {
        let mut tensor = Tensor::from_slice(&[1.0f64, 2.0]);
        let copy = LateCopy::of(&tensor).unwrap();
        let _ = tensor.zero_();
        assert!(copy.is_ready().unwrap());
        assert_eq!(copy.wait().unwrap(), Tensor::from_slice(&[1.0f64, 2.0]));
        drop(LateCopy::of(&tensor).unwrap());
    }

    #[test]
    #[ignore = "needs a CUDA device"]
    fn values_of_a_device_arrive_when_it_gets_there() {
        let tensor = Tensor::arange(5, (Kind::Double, Device::Cuda(0)));
        let copy = LateCopy::of(&(&tensor * 2.0)).unwrap();
        let expected = Tensor::from_slice(&[0.0f64, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(copy.wait().unwrap(), expected);
    }
}
