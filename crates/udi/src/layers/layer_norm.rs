//! Layer normalisation over the last dimension, always in fp32.

use tch::{Kind, Tensor};

use crate::parameters::{Declarations, Initial, ParamId, Role, Weights};

const EPSILON: f64 = 1e-6;

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
}
