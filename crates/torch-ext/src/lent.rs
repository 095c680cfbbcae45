//! Memory of CPU tensors as slices.

use tch::{Device, Tensor};

use crate::{element::Element, rows::RowsError};

/// Values of a contiguous CPU tensor of this kind, in their order.
pub(crate) fn values<T: Element>(tensor: &Tensor) -> Result<&[T], RowsError> {
    check::<T>(tensor)?;
    let count = tensor.numel();
    if count == 0 {
        return Ok(&[]);
    }
    // SAFETY: the tensor is contiguous, on the CPU and of this kind, so that its values lie there; it is borrowed for as long
    // as the slice lives, and this crate's functions check that none that they write to shares its memory.
    Ok(unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast(), count) })
}

/// The same to write to.
///
/// # Safety
/// No other tensor that is read or written meanwhile shares its memory: it is new, or [`apart`] has said so.
pub(crate) unsafe fn values_mut<T: Element>(tensor: &mut Tensor) -> Result<&mut [T], RowsError> {
    check::<T>(tensor)?;
    let count = tensor.numel();
    if count == 0 {
        return Ok(&mut []);
    }
    // SAFETY: as above, and nobody else has this memory.
    Ok(unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), count) })
}

/// Refuses tensors that share memory with `output`. All are contiguous.
pub(crate) fn apart(output: &Tensor, others: &[&Tensor]) -> Result<(), RowsError> {
    let range = |tensor: &Tensor| {
        let start = tensor.data_ptr() as usize;
        start..start + tensor.numel() * tensor.kind().elt_size_in_bytes()
    };
    let own = range(output);
    let shares = |other: &&Tensor| {
        let other = range(other);
        !own.is_empty() && !other.is_empty() && own.start < other.end && other.start < own.end
    };
    match others.iter().any(shares) {
        true => Err(RowsError::Overlap),
        false => Ok(()),
    }
}

fn check<T: Element>(tensor: &Tensor) -> Result<(), RowsError> {
    let fits = tensor.device() == Device::Cpu && tensor.kind() == T::KIND && tensor.is_contiguous();
    match fits {
        true => Ok(()),
        false => Err(RowsError::Layout(format!(
            "{:?} {:?} on {:?}",
            tensor.kind(),
            tensor.size(),
            tensor.device()
        ))),
    }
}
