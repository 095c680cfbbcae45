//! LARS: momentum, with the update of each parameter that is not 1-d scaled by the ratio of norms.

use tch::{Kind, Tensor};

use super::{Pace, Slot};

const MOMENTUM: f64 = 0.9;
/// The trust coefficient.
const ETA: f64 = 0.001;

pub(super) fn update(parameter: &mut Tensor, gradient: &Tensor, slot: &mut Slot, pace: Pace) {
    let direction = match parameter.dim() {
        1 => gradient.shallow_clone(),
        _ => trusted(parameter, &(gradient + &*parameter * pace.weight_decay)),
    };
    let _ = slot.first.g_mul_scalar_(MOMENTUM);
    let _ = slot.first.g_add_(&direction);
    let _ = parameter.g_sub_(&(&slot.first * pace.learning_rate));
}

/// The direction times eta ‖p‖ / ‖direction‖, or as it is where one of the norms is 0.
fn trusted(parameter: &Tensor, direction: &Tensor) -> Tensor {
    let (length, step) = (parameter.norm(), direction.norm());
    let both = length.gt(0.0).logical_and(&step.gt(0.0));
    let ratio = length * ETA / &step;
    let one = Tensor::ones([], (Kind::Float, parameter.device()));
    direction * ratio.where_self(&both, &one)
}
