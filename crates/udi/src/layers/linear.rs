//! A linear layer: `x Wᵀ + b`.

use tch::Tensor;

use super::{
    HandGradients,
    product::{linear, linear_alone, rows_gradient, weight_gradient},
};
use crate::parameters::{Declarations, Initial, ParamId, Role, Weights};

/// Deviation of the initial weights of every linear layer of the method.
const DEVIATION: f32 = 0.02;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Linear {
    weight: ParamId,
    bias: ParamId,
}

/// Gradient of a layer's output: `[rows, outputs]` in the kind of the products, and the sum of its rows, fp32.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutputGradient<'a> {
    pub rows: &'a Tensor,
    pub sums: &'a Tensor,
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
        let bias = weights.get(self.bias);
        linear(&input, weights.get(self.weight), Some(bias))
    }

    /// The same outside any graph, for rows in the precision of the weights: [`Self::backward`] is its gradient.
    pub fn forward_rows(&self, weights: &Weights, rows: &Tensor) -> Tensor {
        linear_alone(rows, weights.get(self.weight), Some(weights.get(self.bias)))
    }

    /// The gradient of the input `[rows, inputs]`, by hand; those of weight and bias go to `gradients`.
    pub fn backward(
        &self,
        weights: &Weights,
        input: &Tensor,
        output: OutputGradient,
        gradients: &mut HandGradients,
    ) -> Tensor {
        self.parameter_gradients(weights, input, output, gradients);
        self.input_gradient(weights, output.rows)
    }

    /// The first half of [`Self::backward`].
    pub fn parameter_gradients(
        &self,
        weights: &Weights,
        input: &Tensor,
        output: OutputGradient,
        gradients: &mut HandGradients,
    ) {
        let weight = weights.get(self.weight);
        gradients.set(self.weight, weight_gradient(output.rows, input, weight));
        gradients.set(self.bias, output.sums.shallow_clone());
    }

    /// The second.
    pub fn input_gradient(&self, weights: &Weights, output: &Tensor) -> Tensor {
        rows_gradient(output, weights.get(self.weight))
    }

    /// [`Self::forward`] with the outputs `first..first + count` alone.
    pub fn forward_part(
        &self,
        weights: &Weights,
        input: &Tensor,
        (first, count): (i64, i64),
    ) -> Tensor {
        let (weight, bias) = self.part(weights, (first, count));
        linear(&input.to_kind(weights.kind()), &weight, Some(&bias))
    }

    /// Weight `[count, inputs]` and bias `[count]` of the outputs `first..first + count`.
    pub fn part(&self, weights: &Weights, (first, count): (i64, i64)) -> (Tensor, Tensor) {
        let cut = |id| weights.get(id).narrow(0, first, count);
        (cut(self.weight), cut(self.bias))
    }
}
