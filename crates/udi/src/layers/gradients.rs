//! Gradients of parameters that layers compute by hand.

use tch::Tensor;

use crate::parameters::ParamId;

/// Those computed so far, in the order of the parameters.
#[derive(Debug)]
pub(crate) struct HandGradients(Vec<Option<Tensor>>);

impl HandGradients {
    /// None yet, of this many parameters.
    pub fn none(parameters: usize) -> Self {
        Self((0..parameters).map(|_| None).collect())
    }

    pub fn set(&mut self, id: ParamId, gradient: Tensor) {
        self.0[usize::from(id)] = Some(gradient);
    }

    /// Adds to what was set before.
    pub fn add(&mut self, id: ParamId, gradient: Tensor) {
        let sum = &mut self.0[usize::from(id)];
        *sum = Some(match sum.take() {
            Some(mut sum) => sum.g_add_(&gradient),
            None => gradient,
        });
    }

    pub fn into_vec(self) -> Vec<Option<Tensor>> {
        self.0
    }
}
