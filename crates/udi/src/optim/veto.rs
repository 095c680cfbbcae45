//! What a step must not change, as the device alone knows it while the host goes on.

use tch::{Device, Kind, Tensor};

/// Boolean scalars on the device.
#[derive(Debug)]
pub(crate) struct Veto {
    /// Nothing may change: a loss is not finite, or a step before this one did not go as this one took for granted.
    pub everything: Tensor,
    /// The student and its moments may not change. True wherever `everything` is.
    pub student: Tensor,
}

impl Veto {
    /// The scalar of a device on which nothing is forbidden yet.
    pub fn none(device: Device) -> Tensor {
        Tensor::zeros([], (Kind::Bool, device))
    }
}

/// Does work that changes these tensors, and takes it back on their device where the scalar is true.
pub(crate) fn unless<T>(forbidden: &Tensor, tensors: &[&Tensor], work: impl FnOnce() -> T) -> T {
    let owned = tensors
        .iter()
        .map(|tensor| (tensor.shallow_clone(), tensor.copy()));
    let before: Vec<(Tensor, Tensor)> = owned.collect();
    let result = work();
    for (mut tensor, before) in before {
        take_back(&mut tensor, &before, forbidden);
    }
    result
}

/// Gives a tensor its former values where the scalar is true.
pub(crate) fn take_back(tensor: &mut Tensor, before: &Tensor, forbidden: &Tensor) {
    let kept = before.where_self(forbidden, tensor);
    tensor.copy_(&kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_taken_back_exactly_where_it_is_forbidden() {
        for forbidden in [true, false] {
            let scalar = Veto::none(Device::Cpu).logical_or(&Tensor::from(forbidden));
            let mut tensor = Tensor::from_slice(&[1.0f32, -0.0, 3.0]);
            let shared = tensor.shallow_clone();
            let _ = unless(&scalar, &[&shared], || tensor.fill_(f64::NAN));
            let after = Vec::<f32>::try_from(&tensor).unwrap();
            match forbidden {
                true => assert_eq!(after, [1.0, -0.0, 3.0]),
                false => assert!(after.iter().all(|value| value.is_nan())),
            }
        }
    }
}
