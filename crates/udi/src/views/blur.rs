//! PIL's Gaussian blur of many views at once: three box blurs along the rows, three along the columns, each a batched product
//! with a band of weights, rounded to whole numbers.

use tch::{Device, Kind, Tensor};
use udi_views::{BLUR_PASSES, BoxWeights};

use super::crop::rounded;

/// Weights of a box are multiples of 2^-24.
const UNITS: f64 = (1 << 24) as f64;

/// `[views, 3, side, side]`, blurred with the radii, one a view.
pub(super) fn gaussian_blur(values: &Tensor, radii: &[f64]) -> Tensor {
    let boxes: Vec<BoxWeights> = radii.iter().map(|&radius| BoxWeights::of(radius)).collect();
    let side = values.size()[3];
    let bands = bands(&boxes, side, values.device()).unsqueeze(1);
    let across = bands.transpose(-2, -1);
    let mut values = values.shallow_clone();
    for _ in 0..BLUR_PASSES {
        values = rounded(values.matmul(&across));
    }
    for _ in 0..BLUR_PASSES {
        values = rounded(bands.matmul(&values));
    }
    values
}

/// `[views, side, side]`, fp32: row i holds the weights of the pixels in the blurred pixel i. Pixels beyond the ends repeat
/// the first and the last, whose weights grow by theirs.
fn bands(boxes: &[BoxWeights], side: i64, device: Device) -> Tensor {
    let numbers = |of: fn(&BoxWeights) -> f64| {
        let values: Vec<f64> = boxes.iter().map(of).collect();
        Tensor::from_slice(&values)
            .view([-1, 1, 1])
            .to_device(device)
    };
    let radius = numbers(|weights| weights.radius as f64);
    let inside = numbers(|weights| f64::from(weights.inside));
    let edge = numbers(|weights| f64::from(weights.edge));
    let pixels = Tensor::arange(side, (Kind::Double, device));
    let distance = (pixels.view([1, -1, 1]) - pixels.view([1, 1, -1])).abs();
    let band = distance.le_tensor(&radius) * &inside + distance.eq_tensor(&(&radius + 1.0)) * &edge;
    // Of the pixels before the first, those nearer than the radius, and the one at the edge.
    let before = (&radius - pixels.view([1, -1, 1])).clamp_min(0.0) * &inside
        + pixels.view([1, -1, 1]).le_tensor(&radius) * &edge;
    let after = before.flip([1]);
    let mut first = band.narrow(2, 0, 1);
    let _ = first.g_add_(&before);
    let mut last = band.narrow(2, side - 1, 1);
    let _ = last.g_add_(&after);
    (band / UNITS).to_kind(Kind::Float)
}
