//! Sharpness: a blend with the smoothed image.

use multiversion::multiversion;

use crate::{Planes, blend::blend};

/// Weight of a pixel among those of its eight neighbours, which are 1.
const MIDDLE: u16 = 5;
/// Sum of all weights.
const SUM: u16 = 8 + MIDDLE;

/// `other` is memory for a plane.
pub(super) fn adjust_sharpness(planes: &mut Planes, factor: f64, other: &mut Vec<u8>) {
    let width = planes.width();
    for plane in planes.each() {
        other.clear();
        other.extend_from_slice(plane);
        sharpen(other, plane, width, factor as f32);
    }
}

/// The outermost pixels, which PIL's filter copies, stay as they are.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn sharpen(from: &[u8], into: &mut [u8], width: usize, factor: f32) {
    if width < 3 {
        return;
    }
    let rows = into.len() / width;
    for row in 1..rows.saturating_sub(1) {
        let [above, middle, below] =
            [row - 1, row, row + 1].map(|row| &from[row * width..][..width]);
        let out = &mut into[row * width + 1..][..width - 2];
        for (place, out) in out.iter_mut().enumerate() {
            *out = sharpened([above, middle, below], place, factor);
        }
    }
}

/// The pixel at `place + 1` of the middle row, sharpened. Whole numbers round as PIL's single precision does: a sum is never
/// near half a step.
#[inline(always)]
fn sharpened(rows: [&[u8]; 3], place: usize, factor: f32) -> u8 {
    let [above, middle, below] = rows;
    let three =
        |row: &[u8]| u16::from(row[place]) + u16::from(row[place + 1]) + u16::from(row[place + 2]);
    let value = middle[place + 1];
    let sum = three(above) + three(middle) + three(below) + (MIDDLE - 1) * u16::from(value);
    let smooth = ((2 * sum + SUM) / (2 * SUM)) as u8;
    blend(smooth, value, factor)
}
