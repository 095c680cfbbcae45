//! What both sides of the C++ shim agree on.

use std::ffi::{CStr, c_char};

use tch::TchError;

/// An `at::Tensor` of C++, which is what tch's pointers point to.
#[repr(C)]
pub(crate) struct Handle([u8; 0]);

unsafe extern "C" {
    fn udi_shim_free(message: *mut c_char);
}

/// Takes the message of an exception; null: there was none.
pub(crate) fn outcome(message: *mut c_char) -> Result<(), TchError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: it is a string of the shim that ends in 0, and is given back once.
    let text = unsafe { CStr::from_ptr(message) }
        .to_string_lossy()
        .into_owned();
    // SAFETY: see above.
    unsafe { udi_shim_free(message) };
    Err(TchError::Torch(text))
}
