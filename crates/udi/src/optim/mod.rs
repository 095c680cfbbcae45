//! From gradients to updates (spec/method.md section 6): clipping, the rule of each optimiser, loss scaling.

mod adamw;
mod clip;
mod lars;
mod loss_scale;
mod sgd;

use tch::{Tensor, no_grad};

pub(crate) use clip::{clip, norms};
pub(crate) use loss_scale::LossScale;

use crate::{
    config::OptimizerKind,
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

    /// Updates every parameter that has a gradient; the others keep their value and their state. Weight decay is for
    /// parameters that are not 1-d.
    pub fn update(
        &mut self,
        parameters: &mut Parameters,
        gradients: &[Option<Tensor>],
        pace: Pace,
    ) {
        let each = parameters
            .tensors_mut()
            .iter_mut()
            .zip(gradients)
            .zip(&mut self.slots);
        no_grad(|| {
            for ((parameter, gradient), slot) in each {
                if let (Some(gradient), Some(slot)) = (gradient, slot) {
                    let weight_decay = match parameter.dim() {
                        1 => 0.0,
                        _ => pace.weight_decay,
                    };
                    let pace = Pace {
                        weight_decay,
                        ..pace
                    };
                    slot.steps += 1;
                    match self.kind {
                        OptimizerKind::AdamW => adamw::update(parameter, gradient, slot, pace),
                        OptimizerKind::Sgd => sgd::update(parameter, gradient, slot, pace),
                        OptimizerKind::Lars => lars::update(parameter, gradient, slot, pace),
                    }
                }
            }
        });
    }

    pub fn slots(&self) -> &[Option<Slot>] {
        &self.slots
    }

    pub fn slots_mut(&mut self) -> &mut [Option<Slot>] {
        &mut self.slots
    }
}
