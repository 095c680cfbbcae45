//! Crop and antialiased bicubic resize, as PIL's `crop` then `resize` does: rows first, rounded to
//! bytes, then columns.
//!
//! Pillow 11 always takes this order. Pillow 13 takes the columns first where the height shrinks much
//! more than the width, which moves the values of such views by a few levels.
//!
//! Neither pass computes one pixel at a time. Across, a block of rows is laid out so that the pixels of one
//! column lie side by side: a weight then meets them all at once. Down, a weight meets the neighbours of one row.

use std::ops::Range;

use multiversion::multiversion;

use crate::{
    Image, PixelBox,
    bicubic::{AxisTaps, Order, Scaling},
};

/// Values that a weight is multiplied with at once.
const LANES: usize = 32;
/// Rows of a block: as many RGB pixels as fit the lanes.
const ROWS: usize = LANES / 3;

/// One column of a block: the RGB pixels of its rows, and two bytes that mean nothing.
type Column = [u8; LANES];

/// The part of a resized image that is wanted.
pub(crate) struct Window {
    /// Height and width of the whole resized image.
    pub full: [usize; 2],
    /// Rows wanted.
    pub rows: Range<usize>,
    /// Columns wanted.
    pub columns: Range<usize>,
    /// Whether left and right are mirrored.
    pub order: Order,
}

/// Memory of the passes, used again from view to view.
#[derive(Debug, Default)]
pub(crate) struct Resizer {
    across: AxisTaps,
    down: AxisTaps,
    block: Vec<Column>,
    /// The rows read, resized across: interleaved RGB, `stride` bytes a line.
    lines: Vec<u8>,
    /// One finished line.
    line: Vec<u8>,
}

impl Resizer {
    /// Resizes the pixels of `crop` (checked by the caller) and writes the planes of `window` to `out`.
    pub(crate) fn resize(
        &mut self,
        image: &Image,
        crop: &PixelBox,
        window: &Window,
        out: &mut [u8],
    ) {
        self.across.set(
            Scaling {
                input: crop.width as usize,
                output: window.full[1],
                order: window.order,
            },
            window.columns.clone(),
        );
        self.down.set(
            Scaling {
                input: crop.height as usize,
                output: window.full[0],
                order: Order::Forward,
            },
            window.rows.clone(),
        );
        let stride = (3 * window.columns.len()).next_multiple_of(LANES);
        self.resize_rows(image, crop, stride);
        self.resize_columns(stride, out);
    }

    /// Fills `lines` with the rows of the crop that are read.
    fn resize_rows(&mut self, image: &Image, crop: &PixelBox, stride: usize) {
        let (rows, columns) = (self.down.inputs(), self.across.inputs());
        let left = crop.left as usize + columns.start;
        // The rows that the last block lacks are computed from what an earlier one left behind, and not read.
        self.block.resize(columns.len(), [0; LANES]);
        self.lines
            .resize(rows.len().next_multiple_of(ROWS) * stride, 0);
        let blocks = self.lines.chunks_exact_mut(ROWS * stride);
        for (first, lines) in rows.clone().step_by(ROWS).zip(blocks) {
            for (lane, row) in (first..rows.end).take(ROWS).enumerate() {
                let pixels = image.row_part(crop.top as usize + row, left, columns.len());
                place_row(pixels, lane, &mut self.block);
            }
            resize_block(&self.block, columns.start, &self.across, lines, stride);
        }
    }

    /// Makes the planes of `out` from `lines`.
    fn resize_columns(&mut self, stride: usize, out: &mut [u8]) {
        let (width, first) = (self.across.outputs(), self.down.inputs().start);
        let area = width * self.down.outputs();
        let (red, rest) = out.split_at_mut(area);
        let (green, blue) = rest.split_at_mut(area);
        self.line.resize(stride, 0);
        let rows = red
            .chunks_exact_mut(width)
            .zip(green.chunks_exact_mut(width))
            .zip(blue.chunks_exact_mut(width));
        for ((start, weights), ((red, green), blue)) in self.down.taps().zip(rows) {
            let lines = &self.lines[(start - first) * stride..];
            weigh_lines(lines, weights, &mut self.line);
            separate(&self.line, [red, green, blue]);
        }
    }
}

/// Writes a row of pixels into its lane of the block.
fn place_row(pixels: &[u8], lane: usize, block: &mut [Column]) {
    let place = 3 * lane;
    let (fours, rest) = pixels.as_chunks::<12>();
    let (columns, last) = block.as_chunks_mut::<4>();
    for (four, columns) in fours.iter().zip(columns) {
        // Four bytes move as fast as one; the fourth means nothing, or is overwritten by the next lane.
        let words = [
            [four[0], four[1], four[2], four[3]],
            [four[3], four[4], four[5], four[6]],
            [four[6], four[7], four[8], four[9]],
            [four[9], four[10], four[11], 0],
        ];
        for (column, word) in columns.iter_mut().zip(words) {
            column[place..place + 4].copy_from_slice(&word);
        }
    }
    for (pixel, column) in rest.as_chunks::<3>().0.iter().zip(last) {
        column[place..place + 3].copy_from_slice(pixel);
    }
}

/// Rounds and clips sums as PIL does. (The array's own `map` is not inlined, and so compiled for no processor.)
#[inline(always)]
fn bytes(sums: &[i32; LANES]) -> [u8; LANES] {
    let mut bytes = [0; LANES];
    for (byte, sum) in bytes.iter_mut().zip(sums) {
        *byte = (sum >> AxisTaps::PRECISION).clamp(0, 255) as u8;
    }
    bytes
}

/// Resizes the rows of a block, whose first column is `origin`, to lines of `stride` bytes.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn resize_block(
    block: &[Column],
    origin: usize,
    across: &AxisTaps,
    lines: &mut [u8],
    stride: usize,
) {
    for (index, (start, weights)) in across.taps().enumerate() {
        let mut sums = [AxisTaps::ROUNDING; LANES];
        for (column, &weight) in block[start - origin..].iter().zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(column) {
                *sum += i32::from(value) * weight;
            }
        }
        let bytes = bytes(&sums);
        for (line, pixel) in lines.chunks_exact_mut(stride).zip(bytes.as_chunks::<3>().0) {
            line[3 * index..3 * index + 3].copy_from_slice(pixel);
        }
    }
}

/// The weighted sum of as many lines as there are weights.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn weigh_lines(lines: &[u8], weights: &[i32], out: &mut [u8]) {
    let stride = out.len();
    for (index, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let mut sums = [AxisTaps::ROUNDING; LANES];
        for (line, &weight) in lines.chunks_exact(stride).zip(weights) {
            let values = &line.as_chunks::<LANES>().0[index];
            for (sum, &value) in sums.iter_mut().zip(values) {
                *sum += i32::from(value) * weight;
            }
        }
        *out = bytes(&sums);
    }
}

/// Separates the channels of a line, whose end may hold more than the planes take.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
pub(crate) fn separate(line: &[u8], planes: [&mut [u8]; 3]) {
    let [red, green, blue] = planes;
    let values = red.iter_mut().zip(green).zip(blue);
    for (((red, green), blue), pixel) in values.zip(line.as_chunks::<3>().0) {
        [*red, *green, *blue] = *pixel;
    }
}
