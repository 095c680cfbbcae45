//! Multi-head self-attention over the rows of views: all tokens of an image among themselves, or with the queries of the
//! first tokens alone.

use tch::{Kind, Tensor};

use super::{
    attention_core::{AttentionCore, AttentionForm, Packed},
    layout::{Group, Layout},
};
use crate::{
    error::UdiError,
    layers::{HandGradients, Linear, OutputGradient},
    parameters::{Declarations, Weights},
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Attention {
    qkv: Linear,
    projection: Linear,
    heads: i64,
}

/// What [`Attention::backward`] reads again.
#[derive(Debug)]
pub(crate) struct AttentionKept {
    /// Queries, keys and values, `[rows, 3 C]`.
    packed: Tensor,
    /// One for each group of views.
    cores: Vec<AttentionCore>,
    /// `[kept rows, C]`
    attended: Tensor,
}

impl Attention {
    pub fn declare(declarations: &mut Declarations, name: &str, width: i64, heads: i64) -> Self {
        Self {
            qkv: Linear::declare(declarations, &format!("{name}.qkv"), width, 3 * width),
            projection: Linear::declare(declarations, &format!("{name}.proj"), width, width),
            heads,
        }
    }

    /// `[rows, C]` -> `[kept rows, C]`
    pub fn forward(
        &self,
        weights: &Weights,
        rows: &Tensor,
        layout: &Layout,
    ) -> Result<(Tensor, AttentionKept), UdiError> {
        let packed = self.qkv.forward_rows(weights, rows);
        let form = AttentionForm::on(packed.device(), packed.kind());
        let size = [layout.after().rows(), rows.size()[1]];
        let attended = Tensor::empty(size, (packed.kind(), packed.device()));
        let outputs = layout.after().cut(&attended);
        let groups = layout
            .cut(&packed)
            .into_iter()
            .zip(layout.groups())
            .zip(outputs);
        let cores = groups
            .map(|((rows, group), mut output)| {
                AttentionCore::forward(form, self.packed(&rows, group), &mut output)
            })
            .collect::<Result<_, _>>()?;
        let output = self.projection.forward_rows(weights, &attended);
        let kept = AttentionKept {
            packed,
            cores,
            attended,
        };
        Ok((output, kept))
    }

    /// softmax(q kᵀ / √d) of a group's rows `[B tokens, C]`: `[B, heads, kept, tokens]`, fp32.
    pub fn map(&self, weights: &Weights, rows: &Tensor, group: &Group) -> Tensor {
        let packed = self.qkv.forward(weights, rows);
        self.packed(&packed, group).map()
    }

    /// Gradient of the rows `[rows, C]` from that of the output.
    pub fn backward(
        &self,
        weights: &Weights,
        (rows, kept): (&Tensor, AttentionKept),
        output: OutputGradient,
        (layout, gradients): (&Layout, &mut HandGradients),
    ) -> Result<Tensor, UdiError> {
        let AttentionKept {
            packed,
            cores,
            attended,
        } = kept;
        let of_attended = self
            .projection
            .backward(weights, &attended, output, gradients);
        let received = packed.empty_like();
        let after = layout.after();
        let results = after
            .cut(&attended)
            .into_iter()
            .zip(after.cut(&of_attended));
        let groups = layout.cut(&packed).into_iter().zip(layout.groups());
        let groups = groups.zip(cores).zip(results).zip(layout.cut(&received));
        let size = [received.size()[1]];
        let mut sums = Tensor::zeros(size, (Kind::Float, received.device()));
        for ((((rows, group), core), (output, gradient)), mut received) in groups {
            let packed = self.packed(&rows, group);
            let of_group = core.backward(packed, (&output, &gradient), &mut received)?;
            let _ = sums.g_add_(&of_group);
        }
        let output = OutputGradient {
            rows: &received,
            sums: &sums,
        };
        Ok(self.qkv.backward(weights, rows, output, gradients))
    }

    fn packed<'a>(&self, rows: &'a Tensor, group: &Group) -> Packed<'a> {
        Packed {
            rows,
            group: *group,
            heads: self.heads,
        }
    }
}
