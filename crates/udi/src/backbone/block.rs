//! A transformer block: pre-norm attention and MLP, each on a residual branch. Its gradient is written by hand, so that
//! what stands between two matrix products goes over memory once, forward and backward.

use tch::{Device, Tensor};
use torch_ext::{BranchGradient, GeluBackward, Normed};

use super::{
    attention::{Attention, AttentionKept},
    drop_path::BlockDrops,
    layout::{Group, Layout},
};
use crate::{
    config::ModelConfig,
    error::UdiError,
    layers::{HandGradients, LayerNorm, Linear, NextBranch, OutputGradient, RowPass},
    parameters::{Declarations, Weights},
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    norm1: LayerNorm,
    attention: Attention,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

/// What [`Block::backward`] reads again.
#[derive(Debug)]
pub(crate) struct BlockKept {
    /// Input rows, `[rows, C]`, fp32.
    tokens: Tensor,
    normed1: KeptNorm,
    attention: AttentionKept,
    /// Rows between the branches, `[kept rows, C]`, fp32.
    middle: Tensor,
    normed2: KeptNorm,
    /// Before GELU, `[kept rows, hidden]`.
    hidden: Tensor,
}

/// What was normalised from rows. On the CPU it costs less to compute again than to keep.
#[derive(Debug)]
struct KeptNorm(Option<Normed>);

impl KeptNorm {
    fn of(normed: Normed) -> Self {
        let keeps = normed.output.device() != Device::Cpu;
        Self(keeps.then_some(normed))
    }

    fn or_again(
        self,
        norm: &LayerNorm,
        weights: &Weights,
        rows: &Tensor,
    ) -> Result<Normed, UdiError> {
        self.0.map_or_else(|| norm.forward_rows(weights, rows), Ok)
    }
}

/// What a block makes of its input.
#[derive(Debug)]
pub(crate) struct BlockOutput {
    /// `[kept rows, C]`, fp32.
    pub tokens: Tensor,
    /// The same, normalised for the block behind it, if one is named.
    pub normed: Option<Normed>,
    pub kept: BlockKept,
}

/// Gradient of the rows behind a block.
#[derive(Debug)]
pub(crate) struct RowsGradient {
    /// `[kept rows, C]`, fp32.
    pub tokens: Tensor,
    /// That of the MLP's output, where it was computed on the way here.
    pub mlp: Option<BranchGradient>,
}

/// One pass of a block: the values it reads, how its rows lie, which of its branches are dropped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockPass<'a> {
    pub weights: &'a Weights,
    pub layout: &'a Layout,
    pub drops: Option<&'a BlockDrops>,
}

impl<'a> BlockPass<'a> {
    fn attention_drops(self) -> Option<&'a Tensor> {
        self.drops.map(|drops| &drops.attention)
    }

    pub fn mlp_drops(self) -> Option<&'a Tensor> {
        self.drops.map(|drops| &drops.mlp)
    }
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
            norm1: LayerNorm::declare(declarations, &at("norm1"), width),
            attention: Attention::declare(declarations, &at("attn"), width, config.heads),
            norm2: LayerNorm::declare(declarations, &at("norm2"), width),
            fc1: Linear::declare(declarations, &at("mlp.fc1"), width, hidden),
            fc2: Linear::declare(declarations, &at("mlp.fc2"), hidden, width),
        }
    }

    /// Rows `[rows, C]`, fp32; `normed` are the same normalised, where the block before did so already. `next` is the block
    /// behind this one.
    pub fn forward(
        &self,
        pass: BlockPass,
        (tokens, normed): (Tensor, Option<Normed>),
        next: Option<&Self>,
    ) -> Result<BlockOutput, UdiError> {
        let BlockPass {
            weights, layout, ..
        } = pass;
        let rows = RowPass::on(tokens.device(), weights.kind());
        let normed1 = KeptNorm(normed).or_again(&self.norm1, weights, &tokens)?;
        let (output, attention) = self.attention.forward(weights, &normed1.output, layout)?;
        let (middle, normed2) = rows.add_branch_and_norm(
            &layout.keep(&tokens),
            (&output, pass.attention_drops()),
            Some(self.norm2.norm(weights)),
        )?;
        drop(output);
        let normed2 = KeptNorm(normed2).or_again(&self.norm2, weights, &middle)?;
        let hidden = self.fc1.forward_rows(weights, &normed2.output);
        let output = self.fc2.forward_rows(weights, &rows.gelu(&hidden)?);
        let next = next.map(|next| next.norm1.norm(weights));
        let (sum, normed) = rows.add_branch_and_norm(&middle, (&output, pass.mlp_drops()), next)?;
        Ok(BlockOutput {
            tokens: sum,
            normed,
            kept: BlockKept {
                tokens,
                normed1: KeptNorm::of(normed1),
                attention,
                middle,
                normed2: KeptNorm::of(normed2),
                hidden,
            },
        })
    }

    /// Attention of rows `[rows, C]` before this block, `[B, heads, kept, tokens]`, fp32.
    pub fn attention_map(
        &self,
        weights: &Weights,
        rows: &Tensor,
        group: Group,
    ) -> Result<Tensor, UdiError> {
        let normed = self.norm1.forward_rows(weights, rows)?;
        Ok(self.attention.map(weights, &normed.output, &group))
    }

    /// Gradient of the input from that of the output, in its memory where nothing was left out; `next`: where it goes on to.
    pub fn backward(
        &self,
        pass: BlockPass,
        kept: BlockKept,
        gradient: RowsGradient,
        (next, gradients): (NextBranch, &mut HandGradients),
    ) -> Result<RowsGradient, UdiError> {
        let BlockPass {
            weights, layout, ..
        } = pass;
        let between = (kept.middle, kept.normed2, kept.hidden);
        let (gradient, branch) = self.mlp_backward(pass, between, gradient, gradients)?;
        let input = kept.normed1.or_again(&self.norm1, weights, &kept.tokens)?;
        let normed = self.attention.backward(
            weights,
            (&input.output, kept.attention),
            output(&branch),
            (layout, gradients),
        )?;
        drop(branch);
        let mut tokens = layout.spread(gradient);
        let input = (&kept.tokens, &input);
        let sum = (&mut tokens, gradients);
        let mlp = self
            .norm1
            .backward_rows(weights, &normed, input, sum, next)?;
        Ok(RowsGradient { tokens, mlp })
    }

    /// Adds the gradient by way of the MLP to that of the rows after it: returns the sum, and the gradient of the attention's
    /// output.
    fn mlp_backward(
        &self,
        pass: BlockPass,
        (middle, normed, hidden): (Tensor, KeptNorm, Tensor),
        gradient: RowsGradient,
        gradients: &mut HandGradients,
    ) -> Result<(Tensor, BranchGradient), UdiError> {
        let weights = pass.weights;
        let rows = RowPass::on(middle.device(), weights.kind());
        let RowsGradient { mut tokens, mlp } = gradient;
        let of_branch =
            |tokens: &Tensor, factors| rows.branch_gradient(tokens, factors, weights.kind());
        let branch = mlp.map_or_else(|| of_branch(&tokens, pass.mlp_drops()), Ok)?;
        let mut of_hidden = self.fc2.input_gradient(weights, &branch.output);
        let gelu = rows.gelu_backward(&hidden, &mut of_hidden)?;
        drop(hidden);
        self.fc2
            .parameter_gradients(weights, &gelu.activated, output(&branch), gradients);
        let GeluBackward { sums, activated } = gelu;
        drop((branch, activated));
        let of_hidden = OutputGradient {
            rows: &of_hidden,
            sums: &sums,
        };
        let input = normed.or_again(&self.norm2, weights, &middle)?;
        let of_normed = self
            .fc1
            .backward(weights, &input.output, of_hidden, gradients);
        let (input, sum) = ((&middle, &input), (&mut tokens, gradients));
        let next = NextBranch::Scaled(pass.attention_drops());
        let branch = self
            .norm2
            .backward_rows(weights, &of_normed, input, sum, next)?;
        let branch = branch.map_or_else(|| of_branch(&tokens, pass.attention_drops()), Ok)?;
        Ok((tokens, branch))
    }
}

fn output(branch: &BranchGradient) -> OutputGradient<'_> {
    OutputGradient {
        rows: &branch.output,
        sums: &branch.sums,
    }
}
