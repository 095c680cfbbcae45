//! Tensors of many megabytes that live for one operation.
//!
//! Their memory goes back to the system when they do, and the next one begins with a page fault every 4 KiB: a tenth of a
//! step. In pages of 2 MiB the faults are few.

use tch::{Device, Kind, Tensor};

/// A new tensor on this device; on the CPU its memory is asked for in large pages, where the system grants them on request.
pub fn empty_large(size: &[i64], kind: Kind, device: Device) -> Tensor {
    let tensor = Tensor::empty(size, (kind, device));
    if device == Device::Cpu {
        ask_for_large_pages(&tensor);
    }
    tensor
}

#[cfg(target_os = "linux")]
fn ask_for_large_pages(tensor: &Tensor) {
    const PAGE: usize = 2 << 20;
    let start = tensor.data_ptr() as usize;
    let end = start + tensor.numel() * tensor.kind().elt_size_in_bytes();
    let (first, last) = (start.next_multiple_of(PAGE), end / PAGE * PAGE);
    if first < last {
        // SAFETY: the range lies within the tensor's memory, whose content this advice leaves as it is. A system that does
        // not grant it answers with an error, which changes nothing.
        unsafe {
            libc::madvise(
                first as *mut libc::c_void,
                last - first,
                libc::MADV_HUGEPAGE,
            )
        };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages(_: &Tensor) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_of_any_size_holds_what_is_written_to_it() {
        for count in [0, 5, 3 << 20] {
            let mut tensor = empty_large(&[count], Kind::Float, Device::Cpu);
            let _ = tensor.fill_(3.0);
            assert_eq!(
                tensor.sum(Kind::Double).double_value(&[]),
                3.0 * count as f64
            );
        }
    }
}
