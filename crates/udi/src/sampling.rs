//! Stratified random sampling (SRS): attention whose queries are sampled tokens (spec/method.md section 3).
//!
//! Maps are gathers: one token of the student's crop, or four bilinear neighbours of the teacher's. A row that
//! holds no sample has weight 0; what is computed for it is meaningless and never read.

use tch::{Kind, Tensor};

use crate::{
    backbone::{attend, join_heads, split_heads},
    config::ModelConfig,
    layers::{LayerNorm, Linear},
    parameters::{Declarations, Weights},
};

/// Sampled positions as a weighted sum of tokens; on the device of the tokens they pick from.
#[derive(Debug)]
pub(crate) struct Samples {
    /// Places in the flattened `[R * N]` tokens of R crops, `[R * S * neighbours]`.
    pub places: Tensor,
    /// `[R, S, neighbours]`, fp32; None: the one neighbour of each sample has weight 1.
    pub weights: Option<Tensor>,
    /// Samples S of each crop.
    pub count: i64,
}

impl Samples {
    /// `[R, N, C]` -> `[R, S, C]`
    fn pick(&self, tokens: &Tensor) -> Tensor {
        let size = tokens.size();
        let picked = tokens.flatten(0, 1).index_select(0, &self.places);
        match &self.weights {
            None => picked.view([size[0], self.count, size[2]]),
            Some(weights) => {
                let neighbours = picked.view([size[0], self.count, -1, size[2]]);
                (neighbours * weights.unsqueeze(-1)).sum_dim_intlist(-2, false, Kind::Float)
            }
        }
    }

    /// Sum of each sample's weights, `[R, S, 1]`, or None where all are 1.
    fn mass(&self) -> Option<Tensor> {
        let weights = self.weights.as_ref()?;
        Some(weights.sum_dim_intlist(-1, true, Kind::Float))
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct SampledAttention {
    norm: LayerNorm,
    qkv: Linear,
    projection: Linear,
    output_norm: LayerNorm,
    heads: i64,
    width: i64,
}

impl SampledAttention {
    /// Names and order are those of the public checkpoints: the norm before the attention stands beside it, last.
    pub fn declare(declarations: &mut Declarations, name: &str, config: &ModelConfig) -> Self {
        let (width, at) = (config.width, |part: &str| format!("{name}.{part}"));
        let qkv = Linear::declare(declarations, &at("attn.qkv"), width, 3 * width);
        let projection = Linear::declare(declarations, &at("attn.proj"), width, width);
        let output_norm = LayerNorm::declare(declarations, &at("attn.norm"), width);
        Self {
            norm: LayerNorm::declare(declarations, &at("norm1"), width),
            qkv,
            projection,
            output_norm,
            heads: config.srs_heads,
            width,
        }
    }

    /// Patch tokens of the last block `[R, N, C]` -> sampled tokens `[R, S, C]`, fp32.
    pub fn forward(&self, weights: &Weights, patches: &Tensor, samples: &Samples) -> Tensor {
        let tokens = self.norm.forward(weights, patches);
        let picked = samples.pick(&tokens);
        let query = self.query(weights, &picked, samples);
        let packed = self
            .qkv
            .forward_part(weights, &tokens, (self.width, 2 * self.width));
        let [query] = split_heads(&query, self.heads);
        let [key, value] = split_heads(&packed, self.heads);
        let attended = join_heads(&attend(&query, &key, &value));
        let output = self.projection.forward(weights, &attended);
        self.output_norm.forward(weights, &(output + picked))
    }

    /// Sampled queries: a weighted sum of queries is the query of the weighted sum, its bias weighted too.
    fn query(&self, weights: &Weights, picked: &Tensor, samples: &Samples) -> Tensor {
        let part = (0, self.width);
        let Some(mass) = samples.mass() else {
            return self.qkv.forward_part(weights, picked, part);
        };
        let (weight, bias) = self.qkv.part(weights, part);
        let product = picked
            .to_kind(weights.kind())
            .linear::<Tensor>(&weight, None);
        product + mass.to_kind(weights.kind()) * bias
    }
}
