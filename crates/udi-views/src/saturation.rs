//! Saturation: a blend with the grey image.

use multiversion::multiversion;

use crate::{Planes, blend::blend, grayscale::luma};

pub(crate) fn adjust_saturation(planes: &mut Planes, factor: f64) {
    saturate(planes, factor as f32);
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn saturate(planes: &mut Planes, factor: f32) {
    planes.map_pixels(|pixel| {
        let grey = luma(pixel);
        pixel.map(|value| blend(grey, value, factor))
    });
}
