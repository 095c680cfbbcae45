//! Numbers that rows are made of, read and written as fp32.

use tch::Kind;

/// A value of a tensor.
pub(crate) trait Element: Copy + Send + Sync + 'static {
    const KIND: Kind;
    fn read(self) -> f32;
    fn of(value: f32) -> Self;
}

impl Element for f32 {
    const KIND: Kind = Kind::Float;

    #[inline(always)]
    fn read(self) -> f32 {
        self
    }

    #[inline(always)]
    fn of(value: f32) -> Self {
        value
    }
}

/// The upper half of a fp32 number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Bf16(u16);

impl Element for Bf16 {
    const KIND: Kind = Kind::BFloat16;

    #[inline(always)]
    fn read(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }

    /// The nearest, of two equally near the even one.
    #[inline(always)]
    fn of(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
        // The carry of a NaN could make it an infinity, or a zero.
        let bits = if value.is_nan() { 0x7fc0 } else { rounded };
        Self(bits as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Tensor;

    #[test]
    fn bf16_is_rounded_as_libtorch_does() {
        let edges = [
            0.0,
            -0.0,
            1.0,
            -1.5,
            f32::INFINITY,
            f32::MAX,
            1e-40,
            3.3895e38,
        ];
        let spread = (0..40_000u32).map(|n| f32::from_bits(n.wrapping_mul(107_374_183)));
        for value in edges.into_iter().chain(spread) {
            let expected = Tensor::from_slice(&[value]).to_kind(Kind::BFloat16);
            let expected = expected.to_kind(Kind::Float).double_value(&[0]) as f32;
            let received = Bf16::of(value).read();
            assert!(
                received == expected || received.is_nan() && expected.is_nan(),
                "{value}"
            );
        }
    }
}
