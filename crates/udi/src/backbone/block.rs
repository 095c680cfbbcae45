//! A transformer block: pre-norm attention and MLP, each on a residual branch. Its gradient is written by hand, so that
//! what stands between two matrix products goes over memory once, forward and backward.

use tch::Tensor;
use torch_ext::{BranchGradient, GeluBackward};

use super::{
    attention::{Attention, AttentionKept},
    drop_path::BlockDrops,
    layout::{Group, Layout},
};
use crate::{
    config::ModelConfig,
    error::UdiError,
    layers::{HandGradients, LayerNorm, Linear, OutputGradient, RowPass},
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

/// What [`Block::backward`] reads again.
#[derive(Debug)]
pub(crate) struct BlockKept {
    /// Input rows, `[rows, C]`, fp32. What is normalised from them costs less to compute again than to keep.
    tokens: Tensor,
    attention: AttentionKept,
    /// Rows between the branches, `[kept rows, C]`, fp32.
    middle: Tensor,
    /// Before GELU, `[kept rows, hidden]`.
    hidden: Tensor,
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

    fn mlp_drops(self) -> Option<&'a Tensor> {
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
            index,
            norm1: LayerNorm::declare(declarations, &at("norm1"), width),
            attention: Attention::declare(declarations, &at("attn"), width, config.heads),
            norm2: LayerNorm::declare(declarations, &at("norm2"), width),
            fc1: Linear::declare(declarations, &at("mlp.fc1"), width, hidden),
            fc2: Linear::declare(declarations, &at("mlp.fc2"), hidden, width),
        }
    }

    pub fn index(&self) -> i64 {
        self.index
    }

    /// `[rows, C]` -> `[kept rows, C]`, fp32.
    pub fn forward(
        &self,
        pass: BlockPass,
        tokens: Tensor,
    ) -> Result<(Tensor, BlockKept), UdiError> {
        let BlockPass {
            weights, layout, ..
        } = pass;
        let rows = RowPass::on(tokens.device(), weights.kind());
        let normed1 = self.norm1.forward_rows(weights, &tokens)?;
        let (output, attention) = self.attention.forward(weights, &normed1.output, layout)?;
        let middle = rows.add_branch(&layout.keep(&tokens), &output, pass.attention_drops())?;
        let normed2 = self.norm2.forward_rows(weights, &middle)?;
        let hidden = self.fc1.forward_rows(weights, &normed2.output);
        let output = self.fc2.forward_rows(weights, &rows.gelu(&hidden)?);
        let sum = rows.add_branch(&middle, &output, pass.mlp_drops())?;
        let kept = BlockKept {
            tokens,
            attention,
            middle,
            hidden,
        };
        Ok((sum, kept))
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

    /// Gradient of the input from that of the output, in its memory where nothing was left out.
    pub fn backward(
        &self,
        pass: BlockPass,
        kept: BlockKept,
        mut gradient: Tensor,
        gradients: &mut HandGradients,
    ) -> Result<Tensor, UdiError> {
        let between = (kept.middle, kept.hidden);
        self.mlp_backward(pass, between, (&mut gradient, gradients))?;
        let BlockPass {
            weights, layout, ..
        } = pass;
        let rows = RowPass::on(gradient.device(), weights.kind());
        let branch = rows.branch_gradient(&gradient, pass.attention_drops(), weights.kind())?;
        let input = self.norm1.forward_rows(weights, &kept.tokens)?;
        let normed = self.attention.backward(
            weights,
            (&input.output, kept.attention),
            output(&branch),
            (layout, gradients),
        )?;
        drop(branch);
        let mut gradient = layout.spread(gradient);
        let input = (&kept.tokens, &input);
        self.norm1
            .backward_rows(weights, &normed, input, (&mut gradient, gradients))?;
        Ok(gradient)
    }

    /// Adds the gradient by way of the MLP to `gradient`, that of the rows after it.
    fn mlp_backward(
        &self,
        pass: BlockPass,
        (middle, hidden): (Tensor, Tensor),
        (gradient, gradients): (&mut Tensor, &mut HandGradients),
    ) -> Result<(), UdiError> {
        let weights = pass.weights;
        let rows = RowPass::on(middle.device(), weights.kind());
        let branch = rows.branch_gradient(gradient, pass.mlp_drops(), weights.kind())?;
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
        let input = self.norm2.forward_rows(weights, &middle)?;
        let normed = self
            .fc1
            .backward(weights, &input.output, of_hidden, gradients);
        let input = (&middle, &input);
        self.norm2
            .backward_rows(weights, &normed, input, (gradient, gradients))
    }
}

fn output(branch: &BranchGradient) -> OutputGradient<'_> {
    OutputGradient {
        rows: &branch.output,
        sums: &branch.sums,
    }
}
