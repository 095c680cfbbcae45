//! Loss scaling for fp16: gradients are kept in range by a factor that halves when they overflow and doubles
//! after a long time in which they did not.

use crate::config::Precision;

const GROW_AFTER: i64 = 2000;
/// Bounds of the factor.
pub(crate) const SMALLEST_SCALE: f64 = 1.0 / 65536.0;
pub(crate) const LARGEST_SCALE: f64 = (1u64 << 32) as f64;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LossScale {
    /// The factor; always 1 unless the precision is fp16.
    pub factor: f64,
    /// Steps since it was changed.
    pub steady: i64,
    varies: bool,
}

impl LossScale {
    pub fn new(precision: Precision, start: f64) -> Self {
        let varies = precision == Precision::Fp16;
        Self {
            factor: if varies { start } else { 1.0 },
            steady: 0,
            varies,
        }
    }

    /// Whether an overflow of gradients is met by a smaller factor, the step being skipped.
    pub fn varies(self) -> bool {
        self.varies
    }

    /// Adapts to whether this step's gradients overflowed.
    pub fn adapt(&mut self, overflowed: bool) {
        if !self.varies {
            return;
        }
        self.steady = if overflowed { 0 } else { self.steady + 1 };
        if overflowed {
            self.factor = (self.factor / 2.0).max(SMALLEST_SCALE);
        } else if self.steady == GROW_AFTER {
            self.factor = (self.factor * 2.0).min(LARGEST_SCALE);
            self.steady = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_on_overflow_and_doubles_after_a_steady_time() {
        let mut scale = LossScale::new(Precision::Fp16, 65536.0);
        scale.adapt(true);
        assert_eq!(scale.factor, 32768.0);
        (0..GROW_AFTER - 1).for_each(|_| scale.adapt(false));
        assert_eq!(scale.factor, 32768.0);
        scale.adapt(false);
        assert_eq!(scale.factor, 65536.0);
    }

    #[test]
    fn other_precisions_have_none() {
        for precision in [Precision::Fp32, Precision::Bf16] {
            let mut scale = LossScale::new(precision, 65536.0);
            scale.adapt(true);
            assert_eq!(scale.factor, 1.0);
        }
    }
}
