//! Multi-head self-attention over all tokens, or with the queries of the first tokens alone.

use tch::Tensor;

use crate::{
    layers::Linear,
    parameters::{Declarations, Weights},
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Attention {
    qkv: Linear,
    projection: Linear,
    heads: i64,
    width: i64,
}

impl Attention {
    pub fn declare(declarations: &mut Declarations, name: &str, width: i64, heads: i64) -> Self {
        Self {
            qkv: Linear::declare(declarations, &format!("{name}.qkv"), width, 3 * width),
            projection: Linear::declare(declarations, &format!("{name}.proj"), width, width),
            heads,
            width,
        }
    }

    /// `[B, N, C]` -> `[B, N, C]`
    pub fn forward(&self, weights: &Weights, tokens: &Tensor) -> Tensor {
        let packed = self.qkv.forward(weights, tokens);
        let [query, key, value] = split_heads(&packed, self.heads);
        self.project(weights, &attend(&query, &key, &value))
    }

    /// `[B, N, C]` -> `[B, queries, C]`: the first `queries` rows of [`Self::forward`], without computing the others.
    pub fn forward_first(&self, weights: &Weights, tokens: &Tensor, queries: i64) -> Tensor {
        let asking = tokens.narrow(1, 0, queries);
        let query = self.qkv.forward_part(weights, &asking, (0, self.width));
        let packed = self
            .qkv
            .forward_part(weights, tokens, (self.width, 2 * self.width));
        let [query] = split_heads(&query, self.heads);
        let [key, value] = split_heads(&packed, self.heads);
        self.project(weights, &attend(&query, &key, &value))
    }

    fn project(&self, weights: &Weights, attended: &Tensor) -> Tensor {
        self.projection.forward(weights, &join_heads(attended))
    }
}

/// `[B, N, PARTS C]` -> `PARTS` tensors `[B, heads, N, C / heads]`, all views of the same memory.
pub(crate) fn split_heads<const PARTS: usize>(packed: &Tensor, heads: i64) -> [Tensor; PARTS] {
    let size = packed.size();
    let (batch, tokens) = (size[0], size[1]);
    let parts = packed
        .view([batch, tokens, PARTS as i64, heads, -1])
        .permute([2, 0, 3, 1, 4]);
    // One `unbind`, not a `select` for each part: its gradient is one copy, that of a `select` a whole tensor of zeros.
    let mut parts = parts.unbind(0).into_iter();
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// `[B, heads, N, C / heads]` -> `[B, N, C]`
pub(crate) fn join_heads(attended: &Tensor) -> Tensor {
    attended.transpose(1, 2).flatten(2, -1)
}

/// softmax(q kᵀ / √d) v, never storing the attention where the device has a kernel that does without.
pub(crate) fn attend(query: &Tensor, key: &Tensor, value: &Tensor) -> Tensor {
    Tensor::scaled_dot_product_attention::<Tensor>(query, key, value, None, 0.0, false, None, false)
}
