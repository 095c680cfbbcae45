//! Brightness: a blend with black.

use crate::{Planes, blend::blend_table};

pub(crate) fn adjust_brightness(planes: &mut Planes, factor: f64) {
    planes.map(&blend_table(0, factor as f32));
}
