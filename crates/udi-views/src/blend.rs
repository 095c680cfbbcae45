//! PIL's blend of two bytes.

/// `from + factor * (to - from)` in single precision, cut to a byte and towards zero.
///
/// PIL cuts without clipping for factors within [0, 1], where the result cannot leave the range.
#[inline]
pub(crate) fn blend(from: u8, to: u8, factor: f32) -> u8 {
    let (from, to) = (i32::from(from), i32::from(to));
    let mixed = from as f32 + factor * (to - from) as f32;
    mixed.clamp(0.0, 255.0) as u8
}

/// The blend of one byte with each of the 256.
pub(crate) fn blend_table(from: u8, factor: f32) -> [u8; 256] {
    std::array::from_fn(|value| blend(from, value as u8, factor))
}
