//! Crop and antialiased bicubic resize, as PIL's `crop` then `resize` does: rows first, rounded to
//! bytes, then columns.
//!
//! Pillow 11 always takes this order. Pillow 13 takes the columns first where the height shrinks much
//! more than the width, which moves the values of such views by a few levels.

use std::ops::Range;

use crate::{Image, PixelBox, bicubic::AxisWeights};

/// The part of a resized image that is wanted.
pub(crate) struct Window {
    /// Height and width of the whole resized image.
    pub full: [usize; 2],
    /// Rows wanted.
    pub rows: Range<usize>,
    /// Columns wanted.
    pub columns: Range<usize>,
}

/// Resizes the pixels of `crop` (checked by the caller) and writes the planes of `window` to `out`.
pub(crate) fn resize(image: &Image, crop: &PixelBox, window: &Window, out: &mut [u8]) {
    let (height, width) = (crop.height as usize, crop.width as usize);
    let mut across = AxisWeights::new(width, window.full[1], window.columns.clone());
    let mut down = AxisWeights::new(height, window.full[0], window.rows.clone());
    let source = Source {
        rows: offset(down.inputs(height), crop.top),
        columns: offset(across.inputs(width), crop.left),
    };
    across.shift(source.columns.start - crop.left as usize);
    down.shift(source.rows.start - crop.top as usize);
    let lines = resize_rows(image, &source, &across, down.line_length());
    resize_columns(&lines, &down, across.outputs(), out);
}

/// The rows and columns of the image that are read.
struct Source {
    rows: Range<usize>,
    columns: Range<usize>,
}

fn offset(range: Range<usize>, by: u32) -> Range<usize> {
    let by = by as usize;
    range.start + by..range.end + by
}

/// Resizes every row. The result is transposed: for each output column, three lines (one a channel)
/// of `length` rows, so that the second pass too reads contiguous values.
fn resize_rows(image: &Image, source: &Source, across: &AxisWeights, length: usize) -> Vec<i16> {
    let count = source.columns.len();
    let mut lines = vec![0; across.outputs() * 3 * length];
    let stride = across.line_length().max(count);
    let mut planes = vec![0; 3 * stride];
    for (index, row) in source.rows.clone().enumerate() {
        let pixels = image.row_part(row, source.columns.start, count);
        let [red, green, blue] = separate(pixels, &mut planes, stride);
        for (column, lines) in lines.chunks_exact_mut(3 * length).enumerate() {
            let pixel = across.apply(column, [red, green, blue]);
            for (channel, value) in pixel.into_iter().enumerate() {
                lines[channel * length + index] = i16::from(value);
            }
        }
    }
    lines
}

/// Separates the channels of one row; what lies behind its end keeps weight 0.
fn separate<'a>(pixels: &[u8], planes: &'a mut [i16], stride: usize) -> [&'a [i16]; 3] {
    let (red, rest) = planes.split_at_mut(stride);
    let (green, blue) = rest.split_at_mut(stride);
    let values = red.iter_mut().zip(green.iter_mut()).zip(blue.iter_mut());
    for (((red, green), blue), pixel) in values.zip(pixels.as_chunks::<3>().0) {
        [*red, *green, *blue] = pixel.map(i16::from);
    }
    [red, green, blue]
}

/// Resizes the transposed lines and writes planar rows.
fn resize_columns(lines: &[i16], down: &AxisWeights, width: usize, out: &mut [u8]) {
    let length = down.line_length();
    let height = down.outputs();
    for (index, line) in lines.chunks_exact(length).enumerate() {
        let (column, channel) = (index / 3, index % 3);
        let plane = &mut out[channel * height * width..][..height * width];
        for (row, out) in plane.chunks_exact_mut(width).enumerate() {
            [out[column]] = down.apply(row, [line]);
        }
    }
}
