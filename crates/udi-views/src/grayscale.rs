//! Grey: PIL's fixed-point luma in all three channels.

use multiversion::multiversion;

use crate::Planes;

/// ITU-R 601-2 luma as PIL's `convert("L")` rounds it.
#[inline(always)]
pub(crate) fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471;
    ((sum + 0x8000) >> 16) as u8
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
pub(crate) fn grayscale(planes: &mut Planes) {
    planes.map_pixels(|pixel| [luma(pixel); 3]);
}
