//! Layer normalisation over the last dimension, always in fp32.

use tch::{Kind, Tensor};
use torch_ext::{BranchGradient, NormGradients, Normed};

use super::{HandGradients, Norm, RowPass};
use crate::{
    error::UdiError,
    parameters::{Declarations, Initial, ParamId, Role, Weights},
};

const EPSILON: f64 = 1e-6;

/// Where the gradient of rows goes next, on its way back.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NextBranch<'a> {
    /// Elsewhere.
    None,
    /// To a residual branch whose rows have these factors (None: 1).
    Scaled(Option<&'a Tensor>),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerNorm {
    weight: ParamId,
    bias: ParamId,
    width: i64,
}

impl LayerNorm {
    pub fn declare(declarations: &mut Declarations, name: &str, width: i64) -> Self {
        let mut add = |part: &str, value| {
            let name = format!("{name}.{part}");
            declarations.add(&name, &[width], Initial::Constant(value), Role::Plain)
        };
        Self {
            weight: add("weight", 1.0),
            bias: add("bias", 0.0),
            width,
        }
    }

    /// `[..., width]` -> the same shape, fp32.
    pub fn forward(&self, weights: &Weights, input: &Tensor) -> Tensor {
        input.to_kind(Kind::Float).layer_norm(
            [self.width],
            Some(weights.get(self.weight)),
            Some(weights.get(self.bias)),
            EPSILON,
            false,
        )
    }

    /// Rows `[rows, width]`, fp32, normalised for the products of a pass.
    pub fn forward_rows(&self, weights: &Weights, rows: &Tensor) -> Result<Normed, UdiError> {
        let pass = RowPass::on(rows.device(), weights.kind());
        pass.layer_norm(rows, self.norm(weights), weights.kind())
    }

    /// Adds the gradient of those rows to `sum`, by hand; those of weight and bias go to `gradients`. Returns the gradient of the
    /// branch before these rows, where there is one to go on to.
    pub fn backward_rows(
        &self,
        weights: &Weights,
        gradient: &Tensor,
        input: (&Tensor, &Normed),
        (sum, gradients): (&mut Tensor, &mut HandGradients),
        next: NextBranch,
    ) -> Result<Option<BranchGradient>, UdiError> {
        let pass = RowPass::on(sum.device(), weights.kind());
        let (input, norm) = ((input.0, &input.1.moments), self.norm(weights));
        let (NormGradients { weight, bias }, branch) = match next {
            NextBranch::None => {
                let gradients = pass.layer_norm_backward(gradient, input, norm, sum)?;
                (gradients, None)
            }
            NextBranch::Scaled(factors) => {
                let sum = (sum, factors);
                let (gradients, branch) =
                    pass.layer_norm_backward_to_branch(gradient, input, norm, sum)?;
                (gradients, Some(branch))
            }
        };
        gradients.set(self.weight, weight);
        gradients.set(self.bias, bias);
        Ok(branch)
    }

    /// As the passes over rows take it.
    pub fn norm<'a>(&self, weights: &'a Weights) -> Norm<'a> {
        Norm {
            weight: weights.get(self.weight),
            bias: weights.get(self.bias),
            epsilon: EPSILON,
        }
    }
}
