//! Casts and choices that a loop can be vectorised over.

/// The whole part of a number from 0 to 255. A cast, which must hold for any number, is not vectorised.
#[inline(always)]
pub(crate) fn whole_byte(number: f64) -> u8 {
    whole(number) as u8
}

/// The whole part of a number from 0, below 2^31.
#[inline(always)]
pub(crate) fn whole(number: f64) -> u32 {
    /// The whole numbers from here on are the floats from here on.
    const WHOLE: f64 = (1u64 << 52) as f64;
    (number.floor() + WHOLE).to_bits() as u32
}

/// `yes` or `no`, both of which are known.
#[inline(always)]
pub(crate) fn choose<T>(condition: bool, yes: T, no: T) -> T {
    if condition { yes } else { no }
}
