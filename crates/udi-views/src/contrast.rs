//! Contrast: a blend with the rounded mean of the grey image.

use multiversion::multiversion;

use crate::{Planes, blend::blend_all, grayscale::luma};

/// Pixels whose luma is summed in 32 bits.
const BLOCK: usize = 1 << 12;

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn luma_sum(reds: &[u8], greens: &[u8], blues: &[u8]) -> u64 {
    let mut total = 0;
    let greens = greens.chunks(BLOCK);
    for ((reds, greens), blues) in reds.chunks(BLOCK).zip(greens).zip(blues.chunks(BLOCK)) {
        let mut sum = 0u32;
        for ((&red, &green), &blue) in reds.iter().zip(greens).zip(blues) {
            sum += u32::from(luma([red, green, blue]));
        }
        total += u64::from(sum);
    }
    total
}

fn mean_luma(planes: &mut Planes) -> u8 {
    let [reds, greens, blues] = planes.split();
    let sum = luma_sum(reds, greens, blues);
    (sum as f64 / reds.len() as f64 + 0.5) as u8
}

pub(crate) fn adjust_contrast(planes: &mut Planes, factor: f64) {
    let mean = mean_luma(planes);
    blend_all(mean, planes.bytes(), factor as f32);
}
