//! Learned absolute positions, resampled to other grids as the reference does.

use tch::{Device, Kind, Tensor};

/// Added to the grid's rows and columns before they become a scale, so that the output size never rounds down.
/// The scale itself, not the output size, then drives the coordinates: a quirk that is kept.
const MARGIN: f64 = 0.1;

/// `positions` `[1, prefix + g², C]` for a grid of `rows` x `columns`: `[1, prefix + rows columns, C]`.
///
/// The rows of the class tokens stay as they are; the stored grid is used untouched where it fits.
pub fn resample_positions(positions: &Tensor, prefix: i64, (rows, columns): (i64, i64)) -> Tensor {
    let size = positions.size();
    let count = size[1] - prefix;
    let stored = grid_side(count);
    if (rows, columns) == (stored, stored) {
        return positions.shallow_clone();
    }
    let grid = positions.narrow(1, prefix, count);
    let grid = resampled(&grid, stored, (rows, columns));
    Tensor::cat(&[positions.narrow(1, 0, prefix), grid], 1)
}

/// Rows, or columns, of a square grid of so many positions.
pub fn grid_side(count: i64) -> i64 {
    (count as f64).sqrt().round() as i64
}

/// The same for a grid of `stored` rows and columns as a matrix: `[rows columns, stored²]`, fp32.
pub fn resampling(stored: i64, (rows, columns): (i64, i64), device: Device) -> Tensor {
    let units = Tensor::eye(stored * stored, (Kind::Float, device)).unsqueeze(0);
    resampled(&units, stored, (rows, columns)).squeeze_dim(0)
}

/// `[1, stored², C]` -> `[1, rows columns, C]`
fn resampled(positions: &Tensor, stored: i64, (rows, columns): (i64, i64)) -> Tensor {
    let width = positions.size()[2];
    let scale = |side: i64| (side as f64 + MARGIN) / stored as f64;
    positions
        .reshape([1, stored, stored, width])
        .permute([0, 3, 1, 2])
        .upsample_bicubic2d([rows, columns], false, scale(rows), scale(columns))
        .permute([0, 2, 3, 1])
        .reshape([1, rows * columns, width])
}
