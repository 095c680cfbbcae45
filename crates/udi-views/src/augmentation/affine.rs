//! Pixels read through an affine map, as PIL's `transform` reads them with a bilinear or bicubic filter, in double precision and
//! in its order of operations.
//!
//! The places of some neighbouring pixels are worked out at once, then the values there, channel by channel. A margin around the
//! planes spares the filter every question about edges.

use multiversion::multiversion;

use crate::{
    Planes,
    lanes::{choose, whole, whole_byte},
};

use super::Interpolation;

/// `x = a x' + b y' + c`, `y = d x' + e y' + f` of a pixel's centre `(x', y')`.
pub(super) type Affine = [f64; 6];

/// Pixels on each side that repeat the outermost ones: as far as the widest filter of a pixel inside reaches.
const MARGIN: usize = 2;

/// Pixels worked out at once.
const LANES: usize = 16;

/// Reads every pixel of the planes from where the map says, those outside as `fill`. `other` is memory for an image.
pub(super) fn read_through(
    planes: &mut Planes,
    (affine, interpolation): (&Affine, Interpolation),
    fill: [u8; 3],
    other: &mut Vec<u8>,
) {
    let (width, height) = (planes.width(), planes.height());
    other.clear();
    for plane in planes.each() {
        widen(plane, width, other);
    }
    let from = Widened {
        values: other,
        width,
        height,
    };
    read(&from, (affine, interpolation), planes.split(), fill);
}

/// Appends a plane with its margin.
fn widen(plane: &[u8], width: usize, into: &mut Vec<u8>) {
    let last = plane.len() / width - 1;
    for row in 0..=last + 2 * MARGIN {
        let row = &plane[row.saturating_sub(MARGIN).min(last) * width..][..width];
        into.extend_from_slice(&[row[0]; MARGIN]);
        into.extend_from_slice(row);
        into.extend_from_slice(&[row[width - 1]; MARGIN]);
    }
}

/// Three planes with their margins.
struct Widened<'a> {
    values: &'a [u8],
    /// Without the margin.
    width: usize,
    /// Without the margin.
    height: usize,
}

impl Widened<'_> {
    fn stride(&self) -> usize {
        self.width + 2 * MARGIN
    }

    #[inline(always)]
    fn planes(&self) -> [Plane<'_>; 3] {
        let area = self.stride() * (self.height + 2 * MARGIN);
        [0, 1, 2].map(|channel| Plane {
            values: &self.values[channel * area..][..area],
            stride: self.stride(),
        })
    }
}

/// One of them.
#[derive(Clone, Copy)]
struct Plane<'a> {
    values: &'a [u8],
    stride: usize,
}

/// Where a few neighbouring pixels are read from.
struct Places {
    /// Of the first of the 4x4 pixels around each, in the widened plane.
    first: [u32; LANES],
    /// How far each lies beyond the second of them, as a share of a pixel.
    right: [f64; LANES],
    below: [f64; LANES],
    inside: [bool; LANES],
}

/// Of the pixels from `column` on.
#[inline(always)]
fn places(from: &Widened, &[a, b, c, d, e, f]: &Affine, [column, row]: [usize; 2]) -> Places {
    let mut places = Places {
        first: [0; LANES],
        right: [0.0; LANES],
        below: [0.0; LANES],
        inside: [false; LANES],
    };
    let (width, height) = (from.width as f64, from.height as f64);
    let (column, row) = (column as f64 + 0.5, row as f64 + 0.5);
    for lane in 0..LANES {
        let column = column + lane as f64;
        let x = a * column + b * row + c;
        let y = d * column + e * row + f;
        places.inside[lane] = (x >= 0.0) & (x < width) & (y >= 0.0) & (y < height);
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        places.right[lane] = x - left;
        places.below[lane] = y - top;
        // Of a pixel outside any place will do.
        let left = whole(left.clamp(-1.0, width - 1.0) + 1.0);
        let top = whole(top.clamp(-1.0, height - 1.0) + 1.0);
        places.first[lane] = top * from.stride() as u32 + left;
    }
    places
}

/// Of each place four neighbours of a row, `row` rows below the first.
#[inline(always)]
fn neighbours(from: Plane, places: &Places, row: usize) -> [[i32; LANES]; 4] {
    let mut words = [0; LANES];
    for (word, &first) in words.iter_mut().zip(&places.first) {
        let start = first as usize + row * from.stride;
        let bytes = &from.values[start..start + 4];
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    let mut values = [[0; LANES]; 4];
    for (place, values) in values.iter_mut().enumerate() {
        for (value, word) in values.iter_mut().zip(words) {
            *value = (word >> (8 * place) & 255) as i32;
        }
    }
    values
}

/// PIL's cubic through four values, at `part` of the way from the second to the third, in its order of operations.
#[inline(always)]
fn cubic([before, left, right, after]: [f64; 4], part: f64) -> f64 {
    let slope = right - before;
    let bend = 2.0 * (before - left) + right - after;
    let twist = left - before - right + after;
    left + part * (slope + part * (bend + part * twist))
}

#[inline(always)]
fn bicubic(from: Plane, places: &Places) -> [f64; LANES] {
    let mut rows = [[0.0; LANES]; 4];
    for (index, row) in rows.iter_mut().enumerate() {
        let [before, left, right, after] = neighbours(from, places, index);
        for lane in 0..LANES {
            let values = [
                f64::from(before[lane]),
                f64::from(left[lane]),
                f64::from(right[lane]),
                f64::from(after[lane]),
            ];
            row[lane] = cubic(values, places.right[lane]);
        }
    }
    let mut values = [0.0; LANES];
    for lane in 0..LANES {
        let column = [rows[0][lane], rows[1][lane], rows[2][lane], rows[3][lane]];
        values[lane] = cubic(column, places.below[lane]).clamp(0.0, 255.0);
    }
    values
}

#[inline(always)]
fn bilinear(from: Plane, places: &Places) -> [f64; LANES] {
    let mut rows = [[0.0; LANES]; 2];
    for (index, row) in rows.iter_mut().enumerate() {
        let [_, left, right, _] = neighbours(from, places, index + 1);
        for lane in 0..LANES {
            let change = f64::from(right[lane] - left[lane]);
            row[lane] = f64::from(left[lane]) + change * places.right[lane];
        }
    }
    let mut values = [0.0; LANES];
    for lane in 0..LANES {
        let [above, below] = [rows[0][lane], rows[1][lane]];
        values[lane] = (above + (below - above) * places.below[lane]).clamp(0.0, 255.0);
    }
    values
}

#[inline(always)]
fn interpolated(from: Plane, places: &Places, interpolation: Interpolation) -> [f64; LANES] {
    match interpolation {
        Interpolation::Bilinear => bilinear(from, places),
        Interpolation::Bicubic => bicubic(from, places),
    }
}

/// Fills the planes of `into`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn read(
    from: &Widened,
    (affine, interpolation): (&Affine, Interpolation),
    mut into: [&mut [u8]; 3],
    fill: [u8; 3],
) {
    let planes = from.planes();
    for row in 0..from.height {
        for column in (0..from.width).step_by(LANES) {
            let places = places(from, affine, [column, row]);
            let start = row * from.width + column;
            let end = start + LANES.min(from.width - column);
            for ((&plane, into), fill) in planes.iter().zip(&mut into).zip(fill) {
                let values = interpolated(plane, &places, interpolation);
                let mut bytes = [0; LANES];
                for lane in 0..LANES {
                    bytes[lane] = choose(places.inside[lane], whole_byte(values[lane]), fill);
                }
                into[start..end].copy_from_slice(&bytes[..end - start]);
            }
        }
    }
}
