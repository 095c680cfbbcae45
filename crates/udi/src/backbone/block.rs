//! A transformer block: pre-norm attention and MLP, each on a residual branch.

use tch::Tensor;

use super::{
    attention::Attention,
    drop_path::{Branch, DropPaths},
};
use crate::{
    config::ModelConfig,
    layers::{LayerNorm, Linear},
    parameters::{Declarations, Weights},
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    index: i64,
    norm1: LayerNorm,
    attention: Attention,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

impl Block {
    pub fn declare(
        declarations: &mut Declarations,
        name: &str,
        config: &ModelConfig,
        index: i64,
    ) -> Self {
        let (width, hidden) = (config.width, config.mlp_width());
        let at = |part: &str| format!("{name}.{index}.{part}");
        Self {
            index,
            norm1: LayerNorm::declare(declarations, &at("norm1"), width),
            attention: Attention::declare(declarations, &at("attn"), width, config.heads),
            norm2: LayerNorm::declare(declarations, &at("norm2"), width),
            fc1: Linear::declare(declarations, &at("mlp.fc1"), width, hidden),
            fc2: Linear::declare(declarations, &at("mlp.fc2"), hidden, width),
        }
    }

    /// `[B, N, C]` -> `[B, N, C]`
    pub fn forward(&self, weights: &Weights, tokens: &Tensor, drop: Option<&DropPaths>) -> Tensor {
        let normed = self.norm1.forward(weights, tokens);
        let attended = self.attention.forward(weights, &normed);
        self.residual(weights, tokens, &attended, drop)
    }

    /// `[B, N, C]` -> `[B, kept, C]`: the first `kept` rows of [`Self::forward`] at their own cost.
    pub fn forward_first(
        &self,
        weights: &Weights,
        tokens: &Tensor,
        kept: i64,
        drop: Option<&DropPaths>,
    ) -> Tensor {
        let normed = self.norm1.forward(weights, tokens);
        let attended = self.attention.forward_first(weights, &normed, kept);
        self.residual(weights, &tokens.narrow(1, 0, kept), &attended, drop)
    }

    fn residual(
        &self,
        weights: &Weights,
        tokens: &Tensor,
        attended: &Tensor,
        drop: Option<&DropPaths>,
    ) -> Tensor {
        let tokens = self.add(tokens, attended, Branch::Attention, drop);
        let normed = self.norm2.forward(weights, &tokens);
        let hidden = self.fc1.forward(weights, &normed).gelu("none");
        let output = self.fc2.forward(weights, &hidden);
        self.add(&tokens, &output, Branch::Mlp, drop)
    }

    fn add(
        &self,
        tokens: &Tensor,
        output: &Tensor,
        branch: Branch,
        drop: Option<&DropPaths>,
    ) -> Tensor {
        match drop {
            Some(drop) => drop.add(tokens, output, self.index, branch),
            None => tokens + output,
        }
    }
}
