//! Learned absolute positions, resampled to other grids as the reference does.

use tch::Tensor;

/// Added to the grid's rows and columns before they become a scale, so that the output size never rounds down.
/// The scale itself, not the output size, then drives the coordinates: a quirk that is kept.
const MARGIN: f64 = 0.1;

/// `positions` `[1, prefix + g², C]` for a grid of `rows` x `columns`: `[1, prefix + rows columns, C]`.
///
/// The rows of the class tokens stay as they are; the stored grid is used untouched where it fits.
pub fn resample_positions(positions: &Tensor, prefix: i64, (rows, columns): (i64, i64)) -> Tensor {
    let size = positions.size();
    let (count, width) = (size[1] - prefix, size[2]);
    let stored = (count as f64).sqrt().round() as i64;
    if (rows, columns) == (stored, stored) {
        return positions.shallow_clone();
    }
    let scale = |side: i64| (side as f64 + MARGIN) / stored as f64;
    let grid = positions
        .narrow(1, prefix, count)
        .reshape([1, stored, stored, width])
        .permute([0, 3, 1, 2])
        .upsample_bicubic2d([rows, columns], false, scale(rows), scale(columns))
        .permute([0, 2, 3, 1])
        .reshape([1, rows * columns, width]);
    Tensor::cat(&[positions.narrow(1, 0, prefix), grid], 1)
}
