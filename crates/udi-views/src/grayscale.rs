//! Grey: PIL's fixed-point luma in all three channels.

use crate::Planes;

/// ITU-R 601-2 luma as PIL's `convert("L")` rounds it.
#[inline]
pub(crate) fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471;
    ((sum + 0x8000) >> 16) as u8
}

pub(crate) fn grayscale(planes: &mut Planes) {
    planes.map_pixels(|pixel| [luma(pixel); 3]);
}
