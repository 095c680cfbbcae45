//! AdamW: Adam with decoupled weight decay, as PyTorch computes it.
//!
//! On the CPU and on CUDA devices parameters, moments and teacher are read and written once; elsewhere libtorch's fused update
//! does the student's part. The tests hold them against the plain form.

use tch::{Kind, Tensor};
use torch_ext::{
    AdamwArrays, AdamwLists, AdamwStep, DeviceLearning, DeviceRule, DeviceUpdate, FusedAdamw,
};

use super::{Follower, JudgedGradients, Pace, ScaledGradients, Slot};
use crate::{
    error::UdiError,
    parameters::{Parameters, Role},
    transfer::to_device,
};

const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

/// Updates the student where it has gradients, and the teacher everywhere.
pub(super) fn update_rows(
    slots: &mut [Option<Slot>],
    student: &mut Parameters,
    follower: Follower,
    gradients: &ScaledGradients,
    pace: Pace,
) -> Result<(), UdiError> {
    let values = gradients.tensors.iter().zip(&gradients.factors);
    let networks = student.tensors_mut().iter_mut();
    let networks = networks.zip(follower.teacher.tensors_mut()).zip(slots);
    let mut updates = Vec::with_capacity(gradients.tensors.len());
    let mut updated = Vec::with_capacity(gradients.tensors.len());
    for (((parameter, teacher), slot), (gradient, &factor)) in networks.zip(values) {
        let learns = gradient.as_ref().zip(slot.as_mut());
        updated.push(learns.is_some());
        let Some((gradient, slot)) = learns else {
            continue;
        };
        let Some(second) = &mut slot.second else {
            continue;
        };
        slot.steps += 1;
        updates.push(AdamwArrays {
            step: numbers(slot.steps, factor, pace.of(parameter), follower.share),
            parameter,
            follower: teacher,
            first: &mut slot.first,
            second,
            gradient,
        });
    }
    torch_ext::adamw(&mut updates)?;
    follower.follow_where(student, |index| !updated[index])
}

/// Numbers of update `steps` of a parameter, counted from 1.
fn numbers(steps: i64, factor: f64, pace: Pace, share: f64) -> AdamwStep {
    let steps = steps as f64;
    let corrections = (1.0 - BETAS.0.powf(steps), 1.0 - BETAS.1.powf(steps));
    AdamwStep {
        gradient_factor: factor as f32,
        kept: (1.0 - pace.learning_rate * pace.weight_decay) as f32,
        step: (pace.learning_rate / corrections.0) as f32,
        root_factor: corrections.1.sqrt().recip() as f32,
        betas: (BETAS.0 as f32, BETAS.1 as f32),
        epsilon: EPSILON as f32,
        share: share as f32,
    }
}

/// The same on a CUDA device, with factors and vetoes that it alone knows.
pub(super) fn update_on_device(
    slots: &mut [Option<Slot>],
    student: &Parameters,
    follower: &Follower,
    gradients: &JudgedGradients,
    pace: Pace,
) -> Result<(), UdiError> {
    let values = gradients.tensors.iter().zip(&gradients.factors);
    let networks = student.tensors().iter().zip(follower.teacher.tensors());
    let each = networks.zip(follower.declarations).zip(slots).zip(values);
    let mut updates = Vec::with_capacity(student.tensors().len());
    for ((((parameter, teacher), declaration), slot), (gradient, factor)) in each {
        if declaration.role == Role::Buffer {
            continue;
        }
        let given = gradient.as_ref().zip(factor.as_ref());
        let learning = given
            .zip(slot.as_mut())
            .and_then(|((gradient, factor), slot)| {
                slot.steps += 1;
                let numbers = numbers(slot.steps, 1.0, pace.of(parameter), follower.share);
                Some(DeviceLearning {
                    gradient,
                    factor,
                    first: &slot.first,
                    second: slot.second.as_ref()?,
                    kept: numbers.kept,
                    step: numbers.step,
                    root_factor: numbers.root_factor,
                })
            });
        updates.push(DeviceUpdate {
            parameter,
            follower: teacher,
            learning,
        });
    }
    let rule = DeviceRule {
        betas: BETAS,
        epsilon: EPSILON as f32,
        share: follower.share as f32,
        halted: &gradients.veto.everything,
        idle: &gradients.veto.student,
    };
    Ok(torch_ext::adamw_on_device(&updates, &rule)?)
}

/// Updates the student where it has gradients, which are clipped already: one call for what decays, one for what does
/// not. Values and moments stay as they are where the scalar `kept` is true; the update is counted all the same.
pub(super) fn update_tensors(
    slots: &mut [Option<Slot>],
    student: &Parameters,
    gradients: &[Option<Tensor>],
    pace: Pace,
    kept: Option<&Tensor>,
) -> Result<(), UdiError> {
    let kept = kept.map(|kept| kept.to_kind(Kind::Float));
    let each = student.tensors().iter().zip(gradients).zip(slots);
    let learning = each.filter_map(|((parameter, gradient), slot)| {
        let (gradient, slot) = gradient.as_ref().zip(slot.as_mut())?;
        slot.steps += 1;
        Some((parameter, gradient, &*slot))
    });
    let (plain, decaying): (Vec<_>, Vec<_>) =
        learning.partition(|(parameter, ..)| parameter.dim() == 1);
    for group in [plain, decaying] {
        let Some((first, ..)) = group.first() else {
            continue;
        };
        let weight_decay = pace.of(first).weight_decay;
        let numbers: Vec<f32> = group.iter().map(|(.., slot)| slot.steps as f32).collect();
        let numbers = to_device(&Tensor::from_slice(&numbers), first.device())?.unbind(0);
        let mut lists = AdamwLists {
            steps: numbers.iter().collect(),
            ..AdamwLists::default()
        };
        for (parameter, gradient, slot) in &group {
            lists.parameters.push(parameter);
            lists.gradients.push(gradient);
            lists.first.push(&slot.first);
            lists.second.extend(&slot.second);
        }
        torch_ext::fused_adamw(
            &lists,
            &FusedAdamw {
                learning_rate: pace.learning_rate,
                weight_decay,
                beta1: BETAS.0,
                beta2: BETAS.1,
                epsilon: EPSILON,
            },
            kept.as_ref(),
        )?;
    }
    Ok(())
}

/// The plain form: an operation after the other, in double precision.
#[cfg(test)]
pub(super) fn update_plain(
    parameter: &Tensor,
    (first, second): (&Tensor, &Tensor),
    gradient: &Tensor,
    steps: i64,
    pace: Pace,
) -> [Tensor; 3] {
    let [parameter, first, second, gradient] =
        [parameter, first, second, gradient].map(|tensor| tensor.to_kind(Kind::Double));
    let correction = |beta: f64| 1.0 - beta.powf(steps as f64);
    let first = first * BETAS.0 + &gradient * (1.0 - BETAS.0);
    let second = second * BETAS.1 + gradient.square() * (1.0 - BETAS.1);
    let root = (&second / correction(BETAS.1)).sqrt() + EPSILON;
    let decayed = parameter * (1.0 - pace.learning_rate * pace.weight_decay);
    let parameter = decayed - &first / correction(BETAS.0) / root * pace.learning_rate;
    [parameter, first, second]
}
