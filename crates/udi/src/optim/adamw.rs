//! AdamW: Adam with decoupled weight decay, as PyTorch computes it.

use tch::Tensor;

use super::{Pace, Slot};

const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

pub(super) fn update(parameter: &mut Tensor, gradient: &Tensor, slot: &mut Slot, pace: Pace) {
    let Some(second) = &mut slot.second else {
        return;
    };
    let steps = slot.steps as f64;
    let corrections = (
        1.0 - BETAS.0.powf(steps),
        (1.0 - BETAS.1.powf(steps)).sqrt(),
    );
    let _ = parameter.g_mul_scalar_(1.0 - pace.learning_rate * pace.weight_decay);
    let _ = slot.first.lerp_(gradient, 1.0 - BETAS.0);
    let _ = second.g_mul_scalar_(BETAS.1);
    let _ = second.addcmul_(&(gradient * (1.0 - BETAS.1)), gradient);
    if pace.learning_rate == 0.0 {
        return;
    }
    let mut denominator = second.sqrt();
    let _ = denominator.g_div_scalar_(corrections.1);
    let _ = denominator.g_add_scalar_(EPSILON);
    let _ = denominator.g_mul_scalar_(-corrections.0 / pace.learning_rate);
    let _ = parameter.addcdiv_(&slot.first, &denominator);
}
