//! A backbone read without a gradient: tokens and attention of whole images, of frozen weights or of a network in training.

use tch::{Device, Kind, Tensor, no_grad};

use crate::{
    backbone::{Readout, VisionTransformer},
    batch::{Pixels, normalised, views_tensor},
    erasing::{Erasure, erase},
    error::{UdiError, expect},
    guard::guard,
    parameters::Weights,
};

/// Images of one size.
#[derive(Debug, Clone, Copy)]
pub struct ImageBatch<'a> {
    /// Images B.
    pub images: i64,
    /// In pixels; what fills no patch below is dropped.
    pub height: i64,
    /// In pixels; what fills no patch on the right is dropped.
    pub width: i64,
    /// `[B, 3, height, width]`
    pub pixels: Pixels<'a>,
    /// Boxes that are written over once the pixels are normalised.
    pub erasures: &'a [Erasure],
}

/// Tokens whose attention is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queries {
    /// Class tokens.
    Class,
    /// All tokens.
    All,
}

/// An architecture with the weights that it is read with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrozenBackbone<'a> {
    pub backbone: &'a VisionTransformer,
    pub weights: &'a Weights,
    /// In pixels.
    pub patch_size: i64,
    pub device: Device,
}

impl FrozenBackbone<'_> {
    /// Class tokens, and the mean of the patch tokens where `patches`, after the final norm of the last `blocks` blocks,
    /// oldest first: `[B, blocks, P (+ 1), C]`, fp32, on the device.
    pub fn pooled(
        &self,
        batch: &ImageBatch,
        blocks: i64,
        patches: bool,
    ) -> Result<Tensor, UdiError> {
        let class = self.backbone.class_tokens();
        let readout = match patches {
            true => Readout::AllTokens,
            false => Readout::ClassTokens,
        };
        let pooled = |tokens: Tensor| {
            let first = tokens.narrow(1, 0, class);
            let count = tokens.size()[1] - class;
            match patches {
                false => first,
                true => {
                    let patches = tokens.narrow(1, class, count);
                    let mean = patches.mean_dim([1].as_slice(), true, Kind::Float);
                    Tensor::cat(&[first, mean], 1)
                }
            }
        };
        let layers = self.last_layers(batch, (blocks, readout), pooled)?;
        guard(|| Ok(Tensor::stack(&layers, 1)))
    }

    /// Tokens after the final norm of the last `blocks` blocks, oldest first: each `[B, P + N, C]`, row by row.
    pub fn layers(&self, batch: &ImageBatch, blocks: i64) -> Result<Vec<Vec<f32>>, UdiError> {
        let all = (blocks, Readout::AllTokens);
        let host = |tokens: Tensor| tokens.to_device(Device::Cpu);
        let layers = self.last_layers(batch, all, host)?;
        guard(|| layers.iter().map(values).collect())
    }

    /// Attention of the last block, a softmax over the tokens: `[B, heads, queries, P + N]`, row by row.
    pub fn attention(&self, batch: &ImageBatch, queries: Queries) -> Result<Vec<f32>, UdiError> {
        let images = self.load(batch)?;
        let queries = match queries {
            Queries::Class => Readout::ClassTokens,
            Queries::All => Readout::AllTokens,
        };
        guard(|| {
            no_grad(|| {
                let map = self
                    .backbone
                    .last_attention(self.weights, &images, queries)?;
                values(&map)
            })
        })
    }

    /// What `taken` makes of the normed tokens of each of the last blocks.
    fn last_layers(
        &self,
        batch: &ImageBatch,
        (blocks, readout): (i64, Readout),
        taken: impl Fn(Tensor) -> Tensor,
    ) -> Result<Vec<Tensor>, UdiError> {
        let depth = self.backbone.depth();
        let some = || format!("a whole number from 1 to the depth {depth}");
        expect((1..=depth).contains(&blocks), "blocks", some, blocks)?;
        let images = self.load(batch)?;
        let first = (depth - blocks) as usize;
        let mut layers = Vec::new();
        let seen = |index: usize, tokens: Tensor| {
            if index >= first {
                layers.push(taken(self.backbone.normed(self.weights, &tokens)));
            }
        };
        guard(|| no_grad(|| self.backbone.visit(self.weights, &images, readout, seen)))?;
        Ok(layers)
    }

    /// Normalised images on the device.
    fn load(&self, batch: &ImageBatch) -> Result<Tensor, UdiError> {
        let ImageBatch {
            images,
            height,
            width,
            ref pixels,
            erasures,
        } = *batch;
        let some = || "a whole number of at least 1".to_owned();
        expect(images > 0, "images", some, images)?;
        let patch = self.patch_size;
        let side = || format!("at least one patch of {patch} pixels");
        for (field, value) in [("height", height), ("width", width)] {
            expect(value >= patch, field, side, value)?;
        }
        let shape = [images, 3, height, width];
        let views = views_tensor("pixels", pixels, &shape, self.device)?;
        let images = guard(|| normalised(&views, self.device))?;
        erase(&images, erasures)?;
        Ok(images)
    }
}

/// Copied to the host, row by row.
pub(crate) fn values(tensor: &Tensor) -> Result<Vec<f32>, UdiError> {
    let tensor = tensor.to_device(Device::Cpu).to_kind(Kind::Float);
    Ok(Vec::try_from(tensor.contiguous().flatten(0, -1))?)
}
