//! Saturation: a blend with the grey image.

use crate::{Planes, blend::blend, grayscale::luma};

pub(crate) fn adjust_saturation(planes: &mut Planes, factor: f64) {
    let factor = factor as f32;
    planes.map_pixels(|pixel| {
        let grey = luma(pixel);
        pixel.map(|value| blend(grey, value, factor))
    });
}
