//! PIL's Gaussian blur: three box blurs of a fractional radius, along rows and then along columns.

use multiversion::multiversion;

use crate::{Planes, transpose::transpose};

/// Box blurs along each axis.
pub const BLUR_PASSES: usize = 3;

/// A box of `2 * radius + 1` pixels of weight `inside` and one at each end of weight `edge`, in 2^-24.
#[derive(Debug, Clone, Copy)]
pub struct BoxWeights {
    /// Whole pixels on each side of the middle one.
    pub radius: usize,
    /// Weight of each of those and of the middle one.
    pub inside: u32,
    /// Weight of the next pixel on each side.
    pub edge: u32,
}

/// Radius of the box whose repeated blur comes nearest the Gaussian (Gwosdek et al. 2011, equations
/// 7, 11 and 14), in PIL's mix of single and double precision.
fn box_radius(radius: f32) -> f32 {
    let variance = radius * radius / BLUR_PASSES as f32;
    let length = (12.0 * f64::from(variance) + 1.0).sqrt() as f32;
    let whole = ((f64::from(length) - 1.0) / 2.0).floor() as f32;
    let above = (2.0 * whole + 1.0) * (whole * (whole + 1.0) - 3.0 * variance);
    let below = 6.0 * (variance - (whole + 1.0) * (whole + 1.0));
    whole + above / below
}

impl BoxWeights {
    /// The box that, passed over [`BLUR_PASSES`] times, makes a Gaussian blur of this radius.
    pub fn of(radius: f64) -> Self {
        let radius = box_radius(radius as f32);
        let whole = radius as u32;
        let inside = ((1u32 << 24) as f32 / (radius * 2.0 + 1.0)) as u32;
        let edge = (1u32 << 24).wrapping_sub((whole * 2 + 1).wrapping_mul(inside)) / 2;
        Self {
            radius: whole as usize,
            inside,
            edge,
        }
    }
}

/// Memory of the passes, used again from view to view.
#[derive(Debug, Default)]
pub(crate) struct Blur {
    work: Vec<u8>,
    other: Vec<u8>,
    sums: Vec<u32>,
}

impl Blur {
    /// Blurs as `ImageFilter.GaussianBlur(radius)`.
    pub(crate) fn gaussian(&mut self, planes: &mut Planes, radius: f64) {
        let weights = BoxWeights::of(radius);
        let (width, height) = (planes.width(), planes.height());
        self.work.resize(width * height, 0);
        self.other.resize(width * height, 0);
        for plane in planes.each() {
            transpose(plane, &mut self.work, width);
            self.passes(height, &weights);
            transpose(&self.work, &mut self.other, height);
            std::mem::swap(&mut self.work, &mut self.other);
            self.passes(width, &weights);
            plane.copy_from_slice(&self.work);
        }
    }

    /// All passes along the columns of `work`.
    fn passes(&mut self, width: usize, weights: &BoxWeights) {
        self.sums.resize(width, 0);
        for _ in 0..BLUR_PASSES {
            blur_columns(&self.work, &mut self.other, &mut self.sums, weights);
            std::mem::swap(&mut self.work, &mut self.other);
        }
    }
}

/// One box blur along the columns of `from`; rows beyond the plane repeat its first or last.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn blur_columns(from: &[u8], into: &mut [u8], sums: &mut [u32], weights: &BoxWeights) {
    let width = sums.len();
    let last = from.len() / width - 1;
    let row = |index: usize| &from[index.min(last) * width..][..width];
    for (sum, &first) in sums.iter_mut().zip(row(0)) {
        *sum = u32::from(first) * (weights.radius as u32 + 1);
    }
    for index in 0..weights.radius {
        for (sum, &value) in sums.iter_mut().zip(row(index)) {
            *sum += u32::from(value);
        }
    }
    for (index, out) in into.chunks_exact_mut(width).enumerate() {
        let before = row(index.saturating_sub(weights.radius + 1));
        let entering = row(index + weights.radius);
        let after = row(index + weights.radius + 1);
        blur_row([before, entering, after], out, sums, weights);
    }
}

/// Moves the running sums one row on and writes that row.
#[inline(always)]
fn blur_row(
    [before, entering, after]: [&[u8]; 3],
    out: &mut [u8],
    sums: &mut [u32],
    weights: &BoxWeights,
) {
    let ends = before.iter().zip(entering).zip(after);
    for ((out, sum), ((&before, &entering), &after)) in out.iter_mut().zip(sums).zip(ends) {
        let before = u32::from(before);
        *sum = sum.wrapping_add(u32::from(entering)).wrapping_sub(before);
        let edges = (before + u32::from(after)).wrapping_mul(weights.edge);
        let total = sum.wrapping_mul(weights.inside).wrapping_add(edges);
        *out = (total.wrapping_add(1 << 23) >> 24) as u8;
    }
}
