//! Patch embedding, class tokens, positions, blocks, final norm.

use tch::Tensor;

use super::{
    block::Block, drop_path::DropPaths, patch_embedding::PatchEmbedding,
    position_embedding::resample_positions,
};
use crate::{
    config::ModelConfig,
    layers::LayerNorm,
    parameters::{Declarations, Initial, ParamId, Role, Weights},
};

/// Which tokens of the last block are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readout {
    /// Class tokens alone: the last block then computes nothing else.
    ClassTokens,
    /// Patch tokens too.
    AllTokens,
}

/// What a forward pass gives.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// Class tokens after the final norm, `[B, class tokens, C]`.
    pub class: Tensor,
    /// Patch tokens before it, `[B, N, C]`; of [`Readout::AllTokens`] only.
    pub patches: Option<Tensor>,
}

#[derive(Debug)]
pub(crate) struct VisionTransformer {
    class_token: ParamId,
    positions: ParamId,
    patch_embedding: PatchEmbedding,
    blocks: Vec<Block>,
    norm: LayerNorm,
    class_tokens: i64,
}

impl VisionTransformer {
    pub fn declare(declarations: &mut Declarations, name: &str, config: &ModelConfig) -> Self {
        let at = |part: &str| format!("{name}.{part}");
        let (width, class_tokens) = (config.width, config.class_tokens);
        let normal = Initial::TruncatedNormal(0.02);
        let places = class_tokens + config.tokens(config.image_size);
        let mut table = |part: &str, rows: i64| {
            declarations.add(&at(part), &[1, rows, width], normal, Role::Plain)
        };
        let class_token = table("cls_token", class_tokens);
        let positions = table("pos_embed", places);
        let proj = at("patch_embed.proj");
        Self {
            class_token,
            positions,
            patch_embedding: PatchEmbedding::declare(declarations, &proj, config.patch_size, width),
            blocks: (0..config.depth)
                .map(|index| Block::declare(declarations, &at("blocks"), config, index))
                .collect(),
            norm: LayerNorm::declare(declarations, &at("norm"), width),
            class_tokens,
        }
    }

    /// `[B, 3, H, W]`, normalised -> class tokens and, where they are wanted, patch tokens.
    pub fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        readout: Readout,
        drop: Option<&DropPaths>,
    ) -> Encoded {
        let mut tokens = self.tokens(weights, images);
        if let Some((last, first)) = self.blocks.split_last() {
            for block in first {
                tokens = block.forward(weights, &tokens, drop);
            }
            tokens = match readout {
                Readout::AllTokens => last.forward(weights, &tokens, drop),
                Readout::ClassTokens => {
                    last.forward_first(weights, &tokens, self.class_tokens, drop)
                }
            };
        }
        let class = tokens.narrow(1, 0, self.class_tokens);
        let count = tokens.size()[1] - self.class_tokens;
        Encoded {
            class: self.norm.forward(weights, &class),
            patches: (readout == Readout::AllTokens)
                .then(|| tokens.narrow(1, self.class_tokens, count)),
        }
    }

    /// Class and patch tokens with their positions, `[B, class tokens + N, C]`, fp32.
    fn tokens(&self, weights: &Weights, images: &Tensor) -> Tensor {
        let patches = self.patch_embedding.forward(weights, images);
        let grid = self.patch_embedding.grid(images);
        let positions = resample_positions(weights.get(self.positions), self.class_tokens, grid);
        let batch = patches.size()[0];
        let class = weights.get(self.class_token).expand([batch, -1, -1], false);
        Tensor::cat(&[class, patches.to_kind(positions.kind())], 1) + positions
    }
}
