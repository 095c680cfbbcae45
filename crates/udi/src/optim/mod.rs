//! From gradients to updates (spec/method.md section 6): clipping, the rule of each optimiser, loss scaling, and the
//! teacher that follows.

mod adamw;
mod clip;
mod lars;
mod loss_scale;
mod sgd;
mod veto;

use tch::{Device, Kind, Tensor, no_grad};
use torch_ext::without_cuda_kernels;

pub(crate) use clip::{clip_factors, factors, norms};
pub(crate) use loss_scale::{LARGEST_SCALE, LossScale, SMALLEST_SCALE};
pub(crate) use veto::{Veto, take_back, unless};

use crate::{
    config::OptimizerKind,
    error::UdiError,
    parameters::{Declaration, ParamId, Parameters, Role},
};

/// What an optimiser remembers of one parameter.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Momentum: first moment or velocity.
    pub first: Tensor,
    /// Second moment; AdamW only.
    pub second: Option<Tensor>,
    /// Updates made.
    pub steps: i64,
}

/// Step size and decay of one update.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub learning_rate: f64,
    pub weight_decay: f64,
}

impl Pace {
    /// Weight decay is for parameters that are not 1-d.
    fn of(self, parameter: &Tensor) -> Self {
        let weight_decay = match parameter.dim() {
            1 => 0.0,
            _ => self.weight_decay,
        };
        Self {
            weight_decay,
            ..self
        }
    }
}

/// Gradients of a step, in the order of the parameters.
#[derive(Debug)]
pub(crate) struct ScaledGradients {
    /// None: the parameter keeps its value and its state.
    pub tensors: Vec<Option<Tensor>>,
    /// What each is multiplied by: clipping, and what takes the loss scale out.
    pub factors: Vec<f64>,
}

/// Gradients of a step whose clipping and outcome the device alone knows.
#[derive(Debug)]
pub(crate) struct JudgedGradients<'a> {
    /// As in [`ScaledGradients`].
    pub tensors: Vec<Option<Tensor>>,
    /// What each is multiplied by: a scalar on the device.
    pub factors: Vec<Option<Tensor>>,
    /// What may not change.
    pub veto: &'a Veto,
}

/// The teacher, which moves this share of the way to the updated student.
#[derive(Debug)]
pub(crate) struct Follower<'a> {
    pub teacher: &'a mut Parameters,
    pub declarations: &'a [Declaration],
    pub share: f64,
}

#[derive(Debug)]
pub(crate) struct Optimizer {
    kind: OptimizerKind,
    /// In the order of the parameters; None: not trained.
    slots: Vec<Option<Slot>>,
}

impl Optimizer {
    pub fn new(
        kind: OptimizerKind,
        declarations: &[Declaration],
        parameters: &Parameters,
        frozen: &[ParamId],
    ) -> Self {
        let frozen: Vec<usize> = frozen.iter().map(|&id| id.into()).collect();
        let slot = |(index, (declaration, tensor)): (usize, (&Declaration, &Tensor))| {
            let trained = declaration.role != Role::Buffer && !frozen.contains(&index);
            trained.then(|| Slot {
                first: tensor.zeros_like(),
                second: (kind == OptimizerKind::AdamW).then(|| tensor.zeros_like()),
                steps: 0,
            })
        };
        let each = declarations.iter().zip(parameters.tensors()).enumerate();
        Self {
            kind,
            slots: each.map(slot).collect(),
        }
    }

    /// Updates every parameter of the student that has a gradient, then the whole teacher.
    pub fn update(
        &mut self,
        student: &mut Parameters,
        follower: Follower,
        mut gradients: ScaledGradients,
        pace: Pace,
    ) -> Result<(), UdiError> {
        let on_cpu = student.device() == Device::Cpu;
        no_grad(|| {
            if self.kind == OptimizerKind::AdamW && on_cpu {
                return adamw::update_rows(&mut self.slots, student, follower, &gradients, pace);
            }
            clip::clip(&mut gradients)?;
            match self.kind {
                OptimizerKind::AdamW => {
                    let slots = &mut self.slots;
                    adamw::update_tensors(slots, student, &gradients.tensors, pace, None)?;
                }
                OptimizerKind::Sgd => {
                    self.update_each(student, &gradients.tensors, pace, sgd::update);
                }
                OptimizerKind::Lars => {
                    self.update_each(student, &gradients.tensors, pace, lars::update);
                }
            }
            follower.follow(student)
        })
    }

    /// The same without waiting for the device: what may not change keeps its values there, though updates are counted.
    pub fn update_judged(
        &mut self,
        student: &mut Parameters,
        follower: Follower,
        gradients: JudgedGradients,
        pace: Pace,
    ) -> Result<(), UdiError> {
        let has_kernels = without_cuda_kernels(student.device()).is_none();
        if self.kind == OptimizerKind::AdamW && has_kernels {
            let slots = &mut self.slots;
            return adamw::update_on_device(slots, student, &follower, &gradients, pace);
        }
        let JudgedGradients {
            mut tensors,
            factors,
            veto,
        } = gradients;
        let kept = &veto.student;
        no_grad(|| {
            clip::clip_judged(&mut tensors, &factors)?;
            match self.kind {
                OptimizerKind::AdamW => {
                    let slots = &mut self.slots;
                    adamw::update_tensors(slots, student, &tensors, pace, Some(kept))?;
                }
                OptimizerKind::Sgd => {
                    self.update_each(student, &tensors, pace, unless_kept(kept, sgd::update));
                }
                OptimizerKind::Lars => {
                    self.update_each(student, &tensors, pace, unless_kept(kept, lars::update));
                }
            }
            follower.follow_unless(student, &veto.everything);
            Ok(())
        })
    }

    fn update_each(
        &mut self,
        student: &mut Parameters,
        gradients: &[Option<Tensor>],
        pace: Pace,
        rule: impl Fn(&mut Tensor, &Tensor, &mut Slot, Pace),
    ) {
        let each = student
            .tensors_mut()
            .iter_mut()
            .zip(gradients)
            .zip(&mut self.slots);
        for ((parameter, gradient), slot) in each {
            if let (Some(gradient), Some(slot)) = (gradient, slot) {
                let pace = pace.of(parameter);
                slot.steps += 1;
                rule(parameter, gradient, slot, pace);
            }
        }
    }

    pub fn slots(&self) -> &[Option<Slot>] {
        &self.slots
    }

    pub fn slots_mut(&mut self) -> &mut [Option<Slot>] {
        &mut self.slots
    }
}

impl Follower<'_> {
    /// Moves all of it; buffers stay each network's own.
    pub fn follow(self, student: &Parameters) -> Result<(), UdiError> {
        self.follow_where(student, |_| true)
    }

    /// Moves all of it, except where the scalar is true.
    fn follow_unless(self, student: &Parameters, forbidden: &Tensor) {
        let share = forbidden.logical_not().to_kind(Kind::Float) * self.share;
        let (teacher, student) = self.pairs(student, |_| true);
        for (mut teacher, student) in teacher.into_iter().zip(student) {
            let _ = teacher.lerp_tensor_(&student, &share);
        }
    }

    fn follow_where(
        self,
        student: &Parameters,
        chosen: impl Fn(usize) -> bool,
    ) -> Result<(), UdiError> {
        let (teacher, student) = self.pairs(student, chosen);
        let lists = [&teacher, &student].map(|list| list.iter().collect::<Vec<_>>());
        Ok(torch_ext::foreach_lerp(&lists[0], &lists[1], self.share)?)
    }

    /// What is averaged of both networks, in their memory.
    fn pairs(
        &self,
        student: &Parameters,
        chosen: impl Fn(usize) -> bool,
    ) -> (Vec<Tensor>, Vec<Tensor>) {
        let networks = self.teacher.tensors().iter().zip(student.tensors());
        let each = networks.zip(self.declarations).enumerate();
        let averaged = each
            .filter(|(index, (_, declaration))| declaration.role != Role::Buffer && chosen(*index));
        averaged
            .map(|(_, ((teacher, student), _))| (teacher.shallow_clone(), student.shallow_clone()))
            .unzip()
    }
}

/// A rule whose update is taken back on the device where the scalar is true.
fn unless_kept(
    kept: &Tensor,
    rule: impl Fn(&mut Tensor, &Tensor, &mut Slot, Pace),
) -> impl Fn(&mut Tensor, &Tensor, &mut Slot, Pace) {
    move |parameter, gradient, slot, pace| {
        let changing = [&*parameter, &slot.first].map(Tensor::shallow_clone);
        let [value, first] = &changing;
        unless(kept, &[value, first], || {
            rule(parameter, gradient, slot, pace)
        });
    }
}

#[cfg(test)]
mod tests;
