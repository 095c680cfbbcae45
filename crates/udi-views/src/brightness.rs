//! Brightness: a blend with black.

use crate::{Planes, blend::blend_all};

pub(crate) fn adjust_brightness(planes: &mut Planes, factor: f64) {
    blend_all(0, planes.bytes(), factor as f32);
}
