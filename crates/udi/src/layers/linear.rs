//! A linear layer: `x Wᵀ + b`.

use tch::Tensor;

use crate::parameters::{Declarations, Initial, ParamId, Role, Weights};

/// Deviation of the initial weights of every linear layer of the method.
const DEVIATION: f32 = 0.02;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Linear {
    weight: ParamId,
    bias: ParamId,
}

impl Linear {
    pub fn declare(declarations: &mut Declarations, name: &str, inputs: i64, outputs: i64) -> Self {
        let normal = Initial::TruncatedNormal(DEVIATION);
        let zero = Initial::Constant(0.0);
        Self {
            weight: declarations.add(
                &format!("{name}.weight"),
                &[outputs, inputs],
                normal,
                Role::Product,
            ),
            bias: declarations.add(&format!("{name}.bias"), &[outputs], zero, Role::Product),
        }
    }

    /// `[..., inputs]` -> `[..., outputs]`, in the precision of the weights.
    pub fn forward(&self, weights: &Weights, input: &Tensor) -> Tensor {
        let input = input.to_kind(weights.kind());
        input.linear(weights.get(self.weight), Some(weights.get(self.bias)))
    }

    /// The same with the outputs `first..first + count` alone.
    pub fn forward_part(
        &self,
        weights: &Weights,
        input: &Tensor,
        (first, count): (i64, i64),
    ) -> Tensor {
        let (weight, bias) = self.part(weights, (first, count));
        input.to_kind(weights.kind()).linear(&weight, Some(&bias))
    }

    /// Weight `[count, inputs]` and bias `[count]` of the outputs `first..first + count`.
    pub fn part(&self, weights: &Weights, (first, count): (i64, i64)) -> (Tensor, Tensor) {
        let cut = |id| weights.get(id).narrow(0, first, count);
        (cut(self.weight), cut(self.bias))
    }
}
