//! Operations of libtorch on many tensors at once, which tch does not bind: on a GPU a few launches instead of one for
//! each tensor.

use std::{ffi::c_char, ptr};

use tch::{Kind, TchError, Tensor};

use crate::shim::{Handle, outcome};

/// Numbers of AdamW that all tensors of a call share.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C)]
pub struct FusedAdamw {
    /// Step size.
    pub learning_rate: f64,
    /// Decoupled decay.
    pub weight_decay: f64,
    /// Share of the old first moment kept.
    pub beta1: f64,
    /// Share of the old second moment kept.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
}

type Handles = *const *const Handle;

unsafe extern "C" {
    fn udi_foreach_norm(tensors: Handles, count: i64, norms: *mut *mut Handle) -> *mut c_char;
    fn udi_foreach_mul(tensors: Handles, factors: Handles, count: i64) -> *mut c_char;
    fn udi_foreach_copy(tensors: Handles, sources: Handles, count: i64) -> *mut c_char;
    fn udi_foreach_lerp(tensors: Handles, targets: Handles, count: i64, share: f64) -> *mut c_char;
    fn udi_fused_adamw(
        parameters: Handles,
        gradients: Handles,
        first: Handles,
        second: Handles,
        steps: Handles,
        count: i64,
        rule: *const FusedAdamw,
        veto: *const Handle,
    ) -> *mut c_char;
}

/// L2 norm of each tensor: `[tensors]`.
pub fn foreach_norm(tensors: &[&Tensor]) -> Result<Tensor, TchError> {
    let mut norms: *mut Handle = ptr::null_mut();
    let handles = handles(tensors);
    // SAFETY: the handles point to living tensors, as many as are said.
    outcome(unsafe { udi_foreach_norm(handles.as_ptr(), handles.len() as i64, &raw mut norms) })?;
    // SAFETY: without an error it points to a new tensor that nobody else owns.
    Ok(unsafe { Tensor::from_ptr(norms.cast()) })
}

/// Multiplies each tensor by the scalar tensor of its place.
pub fn foreach_mul(tensors: &mut [Tensor], factors: &[&Tensor]) -> Result<(), TchError> {
    let tensors: Vec<&Tensor> = tensors.iter().collect();
    let count = same_count(&tensors, &[factors])?;
    let (tensors, factors) = (handles(&tensors), handles(factors));
    // SAFETY: as in `foreach_norm`; both lists are of this length.
    outcome(unsafe { udi_foreach_mul(tensors.as_ptr(), factors.as_ptr(), count) })
}

/// Each tensor in this kind, in new memory.
pub fn foreach_convert(tensors: &[&Tensor], kind: Kind) -> Result<Vec<Tensor>, TchError> {
    let converted: Vec<Tensor> = tensors
        .iter()
        .map(|tensor| Tensor::empty(tensor.size(), (kind, tensor.device())))
        .collect();
    let targets = handles(&converted.iter().collect::<Vec<_>>());
    let sources = handles(tensors);
    // SAFETY: as in `foreach_mul`.
    outcome(unsafe { udi_foreach_copy(targets.as_ptr(), sources.as_ptr(), sources.len() as i64) })?;
    Ok(converted)
}

/// Moves each tensor this share of the way to its target.
pub fn foreach_lerp(tensors: &[&Tensor], targets: &[&Tensor], share: f64) -> Result<(), TchError> {
    let count = same_count(tensors, &[targets])?;
    let (tensors, targets) = (handles(tensors), handles(targets));
    // SAFETY: as in `foreach_mul`.
    outcome(unsafe { udi_foreach_lerp(tensors.as_ptr(), targets.as_ptr(), count, share) })
}

/// The tensors of a fused update by AdamW, each list in the same order.
#[derive(Debug, Default)]
pub struct AdamwLists<'a> {
    /// What is updated.
    pub parameters: Vec<&'a Tensor>,
    /// Its gradients.
    pub gradients: Vec<&'a Tensor>,
    /// First moments.
    pub first: Vec<&'a Tensor>,
    /// Second moments.
    pub second: Vec<&'a Tensor>,
    /// Number of each update, counted from 1: fp32 scalars on the device.
    pub steps: Vec<&'a Tensor>,
}

/// One update by AdamW of parameters and moments, in their own memory. `veto`: an fp32 scalar on their device; where it is 1
/// nothing is changed.
pub fn fused_adamw(
    lists: &AdamwLists,
    rule: &FusedAdamw,
    veto: Option<&Tensor>,
) -> Result<(), TchError> {
    let others: [&[&Tensor]; 4] = [&lists.gradients, &lists.first, &lists.second, &lists.steps];
    let count = same_count(&lists.parameters, &others)?;
    let parameters = handles(&lists.parameters);
    let [gradients, first, second, steps] = others.map(handles);
    let veto = veto.map_or(ptr::null(), |veto| veto.as_ptr().cast());
    // SAFETY: as in `foreach_mul`, with five lists; the veto is null or a living tensor.
    outcome(unsafe {
        udi_fused_adamw(
            parameters.as_ptr(),
            gradients.as_ptr(),
            first.as_ptr(),
            second.as_ptr(),
            steps.as_ptr(),
            count,
            rule,
            veto,
        )
    })
}

fn handles(tensors: &[&Tensor]) -> Vec<*const Handle> {
    tensors
        .iter()
        .map(|tensor| tensor.as_ptr().cast())
        .collect()
}

fn same_count(first: &[&Tensor], others: &[&[&Tensor]]) -> Result<i64, TchError> {
    match others.iter().find(|other| other.len() != first.len()) {
        None => Ok(first.len() as i64),
        Some(odd) => {
            let (expected, received) = (first.len(), odd.len());
            let message = format!("expected {expected} tensors in each list, received {received}");
            Err(TchError::Torch(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn norms_come_in_the_order_of_their_tensors() {
        let tensors = [
            Tensor::from_slice(&[3f32, 4.0]),
            Tensor::from_slice(&[5f32, 12.0]),
        ];
        let norms = foreach_norm(&[&tensors[0], &tensors[1]]).unwrap();
        assert_eq!(norms, Tensor::from_slice(&[5f32, 13.0]));
    }

    #[test]
    fn each_tensor_is_multiplied_by_its_own_factor_and_moved_to_its_own_target() {
        let mut tensors = [
            Tensor::from_slice(&[1f32, 2.0]),
            Tensor::from_slice(&[4f32]),
        ];
        let factors = Tensor::from_slice(&[2f32, 0.5]).unbind(0);
        foreach_mul(&mut tensors, &factors.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(tensors[0], Tensor::from_slice(&[2f32, 4.0]));
        assert_eq!(tensors[1], Tensor::from_slice(&[2f32]));
        let converted = foreach_convert(&[&tensors[0], &tensors[1]], Kind::BFloat16).unwrap();
        assert_eq!(converted[0], tensors[0].to_kind(Kind::BFloat16));
        assert_eq!(converted[1].kind(), Kind::BFloat16);
        let targets = [
            Tensor::from_slice(&[4f32, 8.0]),
            Tensor::from_slice(&[0f32]),
        ];
        let lists = [&tensors, &targets].map(|list| list.iter().collect::<Vec<_>>());
        foreach_lerp(&lists[0], &lists[1], 0.25).unwrap();
        assert_eq!(tensors[0], Tensor::from_slice(&[2.5f32, 5.0]));
        assert_eq!(tensors[1], Tensor::from_slice(&[1.5f32]));
    }

    #[test]
    fn an_exception_becomes_an_error_with_its_words() {
        let (two, three) = (
            Tensor::zeros([2], (Kind::Float, Device::Cpu)),
            Tensor::zeros([3], (Kind::Float, Device::Cpu)),
        );
        let message = foreach_lerp(&[&two], &[&three], 0.5)
            .unwrap_err()
            .to_string();
        assert!(message.contains("size"), "{message}");
        let message = foreach_lerp(&[&two], &[], 0.5).unwrap_err().to_string();
        assert!(
            message.contains("expected 1 tensors in each list, received 0"),
            "{message}"
        );
    }
}
