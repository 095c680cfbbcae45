//! Contrast: a blend with the rounded mean of the grey image.

use crate::{Planes, blend::blend_table, grayscale::luma};

fn mean_luma(planes: &mut Planes) -> u8 {
    let [reds, greens, blues] = planes.split();
    let count = reds.len();
    let pixels = reds.iter().zip(greens.iter()).zip(blues.iter());
    let sum: u64 = pixels
        .map(|((&red, &green), &blue)| u64::from(luma([red, green, blue])))
        .sum();
    (sum as f64 / count as f64 + 0.5) as u8
}

pub(crate) fn adjust_contrast(planes: &mut Planes, factor: f64) {
    let mean = mean_luma(planes);
    planes.map(&blend_table(mean, factor as f32));
}
