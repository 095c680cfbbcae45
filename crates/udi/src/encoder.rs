//! A frozen backbone: features, tokens and attention of whole images. No head, no teacher, no gradient.

use std::collections::HashMap;

use tch::{Device, Tensor};

use crate::{
    adoption::GivenWeights,
    backbone::VisionTransformer,
    config::{HeadConfig, ModelConfig, Precision},
    error::{UdiError, expect},
    frozen::{FrozenBackbone, ImageBatch, Queries, values},
    guard::guard,
    parameters::{Declaration, Declarations, Parameters, Weights},
};

/// Shape of a backbone, and where it computes.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderConfig {
    /// Embedding dimension C.
    pub width: i64,
    /// Number of blocks.
    pub depth: i64,
    /// Attention heads of a block; divides `width`.
    pub heads: i64,
    /// Hidden width of a block's MLP.
    pub mlp_width: i64,
    /// Side of a patch in pixels.
    pub patch_size: i64,
    /// Side in pixels of the image for which positions are stored.
    pub image_size: i64,
    /// Class tokens P in front: 2 (`cls`, `cls+`) or 1.
    pub class_tokens: i64,
    /// Where it computes.
    pub device: Device,
    /// Number format of matrix products.
    pub precision: Precision,
}

/// A backbone whose weights stay as they are. Belongs to one thread.
#[derive(Debug)]
pub struct Encoder {
    config: EncoderConfig,
    backbone: VisionTransformer,
    /// Cast once.
    weights: Weights,
}

/// Prefix of the backbone's parameters in the public checkpoints.
const PREFIX: &str = "backbone.backbone";

impl Encoder {
    /// Takes a backbone's values by the names of the public checkpoints; others are left. Refuses values that are missing,
    /// of another shape, or no numbers.
    pub fn new(
        config: &EncoderConfig,
        given: &HashMap<String, GivenWeights>,
    ) -> Result<Self, UdiError> {
        let model = config.model();
        model.check()?;
        // Of this thread, to which the encoder belongs, as a learner does: both then give the same features.
        torch_ext::flush_denormals();
        let mut declarations = Declarations::default();
        let backbone = VisionTransformer::declare(&mut declarations, PREFIX, &model);
        let declarations = declarations.into_vec();
        let values = declarations
            .iter()
            .map(|declaration| value(declaration, given, config.device));
        let values = Parameters::given(values.collect::<Result<_, _>>()?);
        let weights = guard(|| Ok(values.weights(&declarations, config.precision.kind())?))?;
        Ok(Self {
            config: config.clone(),
            backbone,
            weights,
        })
    }

    /// What it was made of.
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// Class tokens, and the mean of the patch tokens where `patches`, after the final norm of the last `blocks` blocks,
    /// oldest first: `[B, blocks, P (+ 1), C]`, row by row.
    pub fn pooled(
        &self,
        batch: &ImageBatch,
        blocks: i64,
        patches: bool,
    ) -> Result<Vec<f32>, UdiError> {
        let pooled = self.pooled_tokens(batch, blocks, patches)?;
        guard(|| values(&pooled))
    }

    /// The same as a tensor on the encoder's device, fp32.
    pub(crate) fn pooled_tokens(
        &self,
        batch: &ImageBatch,
        blocks: i64,
        patches: bool,
    ) -> Result<Tensor, UdiError> {
        self.frozen().pooled(batch, blocks, patches)
    }

    /// Tokens after the final norm of the last `blocks` blocks, oldest first: each `[B, P + N, C]`, row by row.
    pub fn layers(&self, batch: &ImageBatch, blocks: i64) -> Result<Vec<Vec<f32>>, UdiError> {
        self.frozen().layers(batch, blocks)
    }

    /// Attention of the last block, a softmax over the tokens: `[B, heads, queries, P + N]`, row by row.
    pub fn attention(&self, batch: &ImageBatch, queries: Queries) -> Result<Vec<f32>, UdiError> {
        self.frozen().attention(batch, queries)
    }

    fn frozen(&self) -> FrozenBackbone<'_> {
        FrozenBackbone {
            backbone: &self.backbone,
            weights: &self.weights,
            patch_size: self.config.patch_size,
            device: self.config.device,
        }
    }
}

impl EncoderConfig {
    /// A model with this backbone; its head is never declared.
    fn model(&self) -> ModelConfig {
        ModelConfig {
            width: self.width,
            depth: self.depth,
            heads: self.heads,
            // Halfway to the next width: the product is rounded down.
            mlp_ratio: (self.mlp_width as f64 + 0.5) / self.width.max(1) as f64,
            patch_size: self.patch_size,
            image_size: self.image_size,
            class_tokens: self.class_tokens,
            include_patch: self.class_tokens > 1,
            srs_heads: 1,
            drop_path_rate: 0.0,
            checkpoint_blocks: false,
            head: HeadConfig {
                prototypes: 1,
                hidden_width: 1,
                bottleneck_width: 1,
                batch_norm: false,
                norm_last_layer: false,
            },
        }
    }
}

/// The given value of a parameter, on the device.
fn value(
    Declaration { name, shape, .. }: &Declaration,
    given: &HashMap<String, GivenWeights>,
    device: Device,
) -> Result<Tensor, UdiError> {
    let wanted = || format!("values of shape {shape:?}");
    let none = || UdiError::argument(name.as_str(), wanted(), "none");
    let given = given.get(name).ok_or_else(none)?;
    let count = shape.iter().product::<i64>();
    let fits = given.shape == *shape && given.values.len() as i64 == count;
    expect(fits, name, wanted, format!("shape {:?}", given.shape))?;
    let wrong = given.values.iter().find(|value| !value.is_finite());
    let finite = || "finite weights".to_owned();
    expect(wrong.is_none(), name, finite, wrong.unwrap_or(&0.0))?;
    guard(|| {
        let tensor = Tensor::from_slice(&given.values).view(shape.as_slice());
        Ok(tensor.to_device(device))
    })
}
