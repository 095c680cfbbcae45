//! From gradients to updates (spec/method.md section 6): clipping, the rule of each optimiser, loss scaling, and the
//! teacher that follows.

mod adamw;
mod clip;
mod lars;
mod loss_scale;
mod sgd;

use tch::{Device, Tensor, no_grad};

pub(crate) use clip::{factors, norms, of_parameters};
pub(crate) use loss_scale::LossScale;

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

/// ScaledGradients of a step, in the order of the parameters.
#[derive(Debug)]
pub(crate) struct ScaledGradients {
    /// None: the parameter keeps its value and its state.
    pub tensors: Vec<Option<Tensor>>,
    /// What each is multiplied by: clipping, and what takes the loss scale out.
    pub factors: Vec<f64>,
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
                    adamw::update_tensors(&mut self.slots, student, &gradients, pace)?;
                }
                OptimizerKind::Sgd => self.update_each(student, &gradients, pace, sgd::update),
                OptimizerKind::Lars => self.update_each(student, &gradients, pace, lars::update),
            }
            follower.follow(student)
        })
    }

    fn update_each(
        &mut self,
        student: &mut Parameters,
        gradients: &ScaledGradients,
        pace: Pace,
        rule: impl Fn(&mut Tensor, &Tensor, &mut Slot, Pace),
    ) {
        let each = student
            .tensors_mut()
            .iter_mut()
            .zip(&gradients.tensors)
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

    fn follow_where(
        self,
        student: &Parameters,
        chosen: impl Fn(usize) -> bool,
    ) -> Result<(), UdiError> {
        let averaged = self.declarations.iter().enumerate();
        let averaged: Vec<usize> = averaged
            .filter(|(index, declaration)| declaration.role != Role::Buffer && chosen(*index))
            .map(|(index, _)| index)
            .collect();
        let of = |parameters: &Parameters| -> Vec<Tensor> {
            let tensors = parameters.tensors();
            let shared = averaged.iter().map(|&index| tensors[index].shallow_clone());
            shared.collect()
        };
        let (teacher, student) = (of(self.teacher), of(student));
        let lists = [&teacher, &student].map(|list| list.iter().collect::<Vec<_>>());
        Ok(torch_ext::foreach_lerp(&lists[0], &lists[1], self.share)?)
    }
}

#[cfg(test)]
mod tests;
