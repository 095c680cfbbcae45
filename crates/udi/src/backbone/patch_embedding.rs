//! Patches to tokens: the convolution with stride = kernel of the reference, as one matrix product.

use tch::{Kind, Tensor};
use torch_ext::BranchGradient;

use crate::{
    batch::NORMALISATION,
    error::UdiError,
    layers::{HandGradients, linear_alone, weight_gradient},
    parameters::{Declarations, Initial, ParamId, Role, Weights},
};

const CHANNELS: i64 = 3;

#[derive(Debug, Clone, Copy)]
pub(crate) struct PatchEmbedding {
    weight: ParamId,
    bias: ParamId,
    patch: i64,
}

impl PatchEmbedding {
    pub fn declare(declarations: &mut Declarations, name: &str, patch: i64, width: i64) -> Self {
        let inputs = CHANNELS * patch * patch;
        // PyTorch's default for a convolution: uniform within 1 / √inputs, bias too.
        let initial = Initial::Uniform((inputs as f32).sqrt().recip());
        let shape = [width, CHANNELS, patch, patch];
        Self {
            weight: declarations.add(&format!("{name}.weight"), &shape, initial, Role::Product),
            bias: declarations.add(&format!("{name}.bias"), &[width], initial, Role::Product),
            patch,
        }
    }

    /// Rows and columns of the token grid of an image; what does not fill a patch is dropped.
    pub fn grid(&self, image: &Tensor) -> (i64, i64) {
        let size = image.size();
        (size[2] / self.patch, size[3] / self.patch)
    }

    /// Images `[B, 3, H, W]` -> patches `[B N, 3 patch²]`, row-major, for products of this kind. Images are normalised, or bytes
    /// on a device that normalises them here.
    pub fn patches(&self, image: &Tensor, kind: Kind) -> Result<Tensor, UdiError> {
        let (rows, columns) = self.grid(image);
        let p = self.patch;
        if image.kind() == Kind::Uint8 {
            return Ok(torch_ext::patches(image, p, NORMALISATION, kind)?);
        }
        let patches = image
            .narrow(2, 0, rows * p)
            .narrow(3, 0, columns * p)
            .reshape([-1, CHANNELS, rows, p, columns, p])
            .permute([0, 2, 4, 1, 3, 5])
            .to_kind(kind);
        Ok(patches.reshape([-1, CHANNELS * p * p]))
    }

    /// `[B N, 3 patch²]` -> `[B N, C]`
    pub fn forward(&self, weights: &Weights, patches: &Tensor) -> Tensor {
        let weight = weights.get(self.weight).flatten(1, -1);
        linear_alone(patches, &weight, Some(weights.get(self.bias)))
    }

    /// Adds the gradients of weight and bias to `gradients`, by hand.
    pub fn backward(
        &self,
        weights: &Weights,
        patches: &Tensor,
        output: &BranchGradient,
        gradients: &mut HandGradients,
    ) {
        let weight = weights.get(self.weight);
        let flat = weight_gradient(&output.output, patches, &weight.flatten(1, -1));
        gradients.add(self.weight, flat.view_as(weight));
        gradients.add(self.bias, output.sums.shallow_clone());
    }
}
