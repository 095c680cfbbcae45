//! PIL's blend of two bytes.

use multiversion::multiversion;

/// `from + factor * (to - from)` in single precision, cut to a byte and towards zero.
///
/// PIL cuts without clipping for factors within [0, 1], where the result cannot leave the range.
#[inline(always)]
pub(crate) fn blend(from: u8, to: u8, factor: f32) -> u8 {
    let (from, to) = (i32::from(from), i32::from(to));
    let mixed = from as f32 + factor * (to - from) as f32;
    whole_byte(mixed.clamp(0.0, 255.0))
}

/// The whole part of a number from 0 to 255. A cast, which must hold for any number, is not vectorised.
#[inline(always)]
fn whole_byte(value: f32) -> u8 {
    /// The whole numbers from here on are the floats from here on.
    const WHOLE: f32 = (1 << 23) as f32;
    (value.floor() + WHOLE).to_bits() as u8
}

/// Blends `from` with every byte.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
pub(crate) fn blend_all(from: u8, bytes: &mut [u8], factor: f32) {
    for byte in bytes {
        *byte = blend(from, *byte, factor);
    }
}
