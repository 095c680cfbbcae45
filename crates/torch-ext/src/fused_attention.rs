//! Attention by libtorch's own fused operations on CUDA devices, forward and backward, outside any graph.

use std::{
    ffi::c_char,
    ptr::{self, NonNull},
};

use tch::{TchError, Tensor};

use crate::shim::{Handle, outcome};

/// What C++ keeps for the gradient.
#[repr(C)]
struct KeptHandle([u8; 0]);

unsafe extern "C" {
    fn udi_fused_attention(
        query: *const Handle,
        key: *const Handle,
        value: *const Handle,
        output: *mut *mut Handle,
        kept: *mut *mut KeptHandle,
    ) -> *mut c_char;
    fn udi_fused_attention_backward(
        kept: *const KeptHandle,
        gradient: *const Handle,
        query: *const Handle,
        key: *const Handle,
        value: *const Handle,
        output: *const Handle,
        parts: *mut *mut Handle,
    ) -> *mut c_char;
    fn udi_fused_attention_free(kept: *mut KeptHandle);
}

/// What the gradient of softmax(q kᵀ / √d) v needs beside its operands and its output.
#[derive(Debug)]
pub struct FusedAttention {
    kept: NonNull<KeptHandle>,
}

impl FusedAttention {
    /// The output `[B, heads, queries, d]` of queries of this shape, keys and values `[B, heads, tokens, d]`. None: none of
    /// libtorch's operations takes them on their device.
    pub fn forward([query, key, value]: [&Tensor; 3]) -> Result<Option<(Tensor, Self)>, TchError> {
        let (mut output, mut kept) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the handles point to living tensors; both results are written before the call returns.
        outcome(unsafe {
            udi_fused_attention(
                query.as_ptr().cast(),
                key.as_ptr().cast(),
                value.as_ptr().cast(),
                &raw mut output,
                &raw mut kept,
            )
        })?;
        // SAFETY: with something kept it points to a new tensor that nobody else owns.
        let output = |_: &NonNull<KeptHandle>| unsafe { Tensor::from_ptr(output.cast()) };
        Ok(NonNull::new(kept).map(|kept| (output(&kept), Self { kept })))
    }

    /// Gradients of queries, keys and values, which are given again, from the output and its gradient.
    pub fn backward(
        &self,
        (output, gradient): (&Tensor, &Tensor),
        [query, key, value]: [&Tensor; 3],
    ) -> Result<[Tensor; 3], TchError> {
        let mut parts = [ptr::null_mut::<Handle>(); 3];
        // SAFETY: as in `forward`; what is kept lives as long as this.
        outcome(unsafe {
            udi_fused_attention_backward(
                self.kept.as_ptr(),
                gradient.as_ptr().cast(),
                query.as_ptr().cast(),
                key.as_ptr().cast(),
                value.as_ptr().cast(),
                output.as_ptr().cast(),
                parts.as_mut_ptr(),
            )
        })?;
        // SAFETY: without an error each points to a new tensor that nobody else owns.
        Ok(parts.map(|part| unsafe { Tensor::from_ptr(part.cast()) }))
    }
}

impl Drop for FusedAttention {
    fn drop(&mut self) {
        // SAFETY: it is given back once.
        unsafe { udi_fused_attention_free(self.kept.as_ptr()) };
    }
}
