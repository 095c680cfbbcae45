//! Patches to tokens: the convolution with stride = kernel of the reference, as one matrix product.

use tch::{Kind, Tensor};

use crate::{
    batch::NORMALISATION,
    error::UdiError,
    layers::linear,
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

    /// `[B, 3, H, W]` -> `[B, N, C]`, row-major. Images are normalised, or bytes on a device that normalises them here.
    pub fn forward(&self, weights: &Weights, image: &Tensor) -> Result<Tensor, UdiError> {
        let (rows, columns) = self.grid(image);
        let p = self.patch;
        let patches = match image.kind() {
            Kind::Uint8 => torch_ext::patches(image, p, NORMALISATION, weights.kind())?,
            _ => image
                .narrow(2, 0, rows * p)
                .narrow(3, 0, columns * p)
                .reshape([-1, CHANNELS, rows, p, columns, p])
                .permute([0, 2, 4, 1, 3, 5])
                .to_kind(weights.kind()),
        };
        let patches = patches.reshape([-1, rows * columns, CHANNELS * p * p]);
        let weight = weights.get(self.weight).flatten(1, -1);
        Ok(linear(&patches, &weight, Some(weights.get(self.bias))))
    }
}
