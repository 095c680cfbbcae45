//! Stochastic gradient descent with momentum; weight decay is added to the gradient.

use tch::Tensor;

use super::{Pace, Slot};

const MOMENTUM: f64 = 0.9;

pub(super) fn update(parameter: &mut Tensor, gradient: &Tensor, slot: &mut Slot, pace: Pace) {
    let direction = gradient + &*parameter * pace.weight_decay;
    let _ = slot.first.g_mul_scalar_(MOMENTUM);
    let _ = slot.first.g_add_(&direction);
    let _ = parameter.g_sub_(&(&slot.first * pace.learning_rate));
}
