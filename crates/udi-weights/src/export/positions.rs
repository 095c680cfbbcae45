//! Learned positions for another grid, resampled as the engine does (method.md section 1): cubic convolution with
//! a = -0.75 (PyTorch's), where the scale factor itself, a tenth of a patch added to the side, drives the coordinates.
//! In the order and the precision of PyTorch's loop, so that an export for another size is what the engine computes.

const A: f32 = -0.75;
/// Of the reference: added to rows and columns before they become a scale.
const MARGIN: f64 = 0.1;

/// Stored positions that one new position is made of, and their weights.
struct Neighbours {
    places: [usize; 4],
    weights: [f32; 4],
}

/// Positions `[prefix + g², width]` -> `[prefix + rows columns, width]`; the rows of the prefix stay as they are, and so
/// does a grid that fits. The stored grid is a square.
pub fn resample_positions(
    positions: &[f32],
    width: usize,
    prefix: usize,
    (rows, columns): (usize, usize),
) -> Vec<f32> {
    let (head, stored) = positions.split_at(prefix * width);
    let side = (stored.len() / width).isqrt();
    if (rows, columns) == (side, side) {
        return positions.to_vec();
    }
    let at =
        |row: usize, column: usize, channel: usize| stored[(row * side + column) * width + channel];
    let columns = neighbours(side, columns);
    let mut values = head.to_vec();
    for row in &neighbours(side, rows) {
        for column in &columns {
            let mixed = |channel: usize| row.mix(|y| column.mix(|x| at(y, x, channel)));
            values.extend((0..width).map(mixed));
        }
    }
    values
}

impl Neighbours {
    fn mix(&self, value: impl Fn(usize) -> f32) -> f32 {
        let terms = self.places.iter().zip(&self.weights);
        terms.map(|(&place, weight)| value(place) * weight).sum()
    }
}

/// For each of `side` new places along an axis of `stored` ones.
fn neighbours(stored: usize, side: usize) -> Vec<Neighbours> {
    let scale = (side as f64 + MARGIN) / stored as f64;
    let step = scale.recip() as f32;
    let of = |place: usize| {
        let at = step * (place as f32 + 0.5) - 0.5;
        let first = at.floor();
        let beyond = (at - first).clamp(0.0, 1.0);
        let clamped = |offset: f32| (first + offset).clamp(0.0, (stored - 1) as f32) as usize;
        Neighbours {
            places: [-1.0, 0.0, 1.0, 2.0].map(clamped),
            weights: [
                near_two(beyond + 1.0),
                near_one(beyond),
                near_one(1.0 - beyond),
                near_two(2.0 - beyond),
            ],
        }
    };
    (0..side).map(of).collect()
}

/// Weight at a distance of at most 1.
fn near_one(distance: f32) -> f32 {
    ((A + 2.0) * distance - (A + 3.0)) * distance * distance + 1.0
}

/// Weight at a distance from 1 to 2.
fn near_two(distance: f32) -> f32 {
    ((A * distance - 5.0 * A) * distance + 8.0 * A) * distance - 4.0 * A
}
