//! Crop, antialiased bicubic resize and flip of a chunk of views: rows first, rounded to whole numbers, then columns, each
//! one batched matrix product.

use tch::{Device, Kind, Tensor};
use udi_views::{Image, ViewRecipe};

use super::bicubic::{Axis, weights};

/// Where the crop of a view lies among the pixels of all images.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crop {
    /// Index of its first pixel.
    first: i64,
    /// From a pixel to the one below it.
    stride: i64,
    height: i64,
    width: i64,
    flipped: bool,
}

impl Crop {
    /// `first`: index of the image's first pixel.
    pub fn of(image: &Image, first: i64, recipe: &ViewRecipe) -> Self {
        let stride = i64::from(image.width());
        let (top, left) = (i64::from(recipe.crop.top), i64::from(recipe.crop.left));
        Self {
            first: first + top * stride + left,
            stride,
            height: i64::from(recipe.crop.height),
            width: i64::from(recipe.crop.width),
            flipped: recipe.flipped,
        }
    }

    /// About what its view takes while it is made: indices, bytes and values of the pixels, weights in fp64 with their
    /// temporaries.
    pub fn bytes(&self, side: i64) -> i64 {
        let pixel = 8 + 3 + 2 * 3 * 4;
        let weight = 4 * 8;
        self.height * self.width * pixel + side * (self.height + self.width) * weight
    }
}

/// `[pixels, 3]` -> `[crops, 3, side, side]`, fp32.
pub(super) fn resample(pixels: &Tensor, crops: &[Crop], side: i64) -> Tensor {
    let device = pixels.device();
    let across = Axis {
        lengths: numbers(crops, |crop| crop.width, device),
        mirrored: numbers(crops, |crop| i64::from(crop.flipped), device),
        longest: longest(crops, |crop| crop.width),
    };
    let down = Axis {
        lengths: numbers(crops, |crop| crop.height, device),
        mirrored: across.mirrored.zeros_like(),
        longest: longest(crops, |crop| crop.height),
    };
    let count = crops.len() as i64;
    let lines = padded(pixels, crops, &across, &down)
        .view([count, 3 * down.longest, across.longest])
        .bmm(&weights(&across, side).transpose(1, 2));
    let lines = rounded(lines).view([count, 3, down.longest, side]);
    rounded(weights(&down, side).unsqueeze(1).matmul(&lines))
}

/// The crops' pixels, `[crops, 3, longest height, longest width]`, fp32; what lies behind a crop's end repeats its last pixel
/// and has weight 0.
fn padded(pixels: &Tensor, crops: &[Crop], across: &Axis, down: &Axis) -> Tensor {
    let device = pixels.device();
    let first = numbers(crops, |crop| crop.first, device);
    let stride = numbers(crops, |crop| crop.stride, device);
    let rows = down.inputs().view([1, -1, 1]).minimum(&(&down.lengths - 1));
    let columns = across.inputs().view([1, 1, -1]);
    let columns = columns.minimum(&(&across.lengths - 1));
    let places = first + rows * stride + columns;
    pixels
        .index_select(0, &places.flatten(0, -1))
        .view([crops.len() as i64, down.longest, across.longest, 3])
        .permute([0, 3, 1, 2])
        .to_kind(Kind::Float)
        .contiguous()
}

/// Halves go up, as PIL's fixed-point sums do.
pub(super) fn rounded(values: Tensor) -> Tensor {
    (values + 0.5).floor_().clamp_(0.0, 255.0)
}

/// `[crops, 1, 1]`, int64.
fn numbers(crops: &[Crop], of: impl Fn(&Crop) -> i64, device: Device) -> Tensor {
    let values: Vec<i64> = crops.iter().map(of).collect();
    Tensor::from_slice(&values)
        .view([-1, 1, 1])
        .to_device(device)
}

fn longest(crops: &[Crop], of: impl Fn(&Crop) -> i64) -> i64 {
    crops.iter().map(of).max().unwrap_or(1)
}
