//! Softmax of the teacher and cross-entropy of the student over whole rows of prototypes.
//!
//! On the CPU a row stays in a core's cache from its first value read to its last value written. Elsewhere libtorch's
//! operations do the same over all rows; the tests hold the two against each other.

use tch::{Device, Kind, Tensor};

use crate::error::UdiError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SoftmaxPass {
    /// A row at a time, on slices.
    Rows,
    /// All rows at once, on tensors.
    Tensors,
}

impl SoftmaxPass {
    pub fn on(device: Device) -> Self {
        match device {
            Device::Cpu => Self::Rows,
            _ => Self::Tensors,
        }
    }

    /// Logits `[rows, D]`, which are used up -> softmax((logits - center) / temperature), `[rows, D]`.
    pub fn distributions(
        self,
        mut logits: Tensor,
        center: &Tensor,
        temperature: f64,
    ) -> Result<Tensor, UdiError> {
        match self {
            Self::Rows => {
                let center = center.unsqueeze(0);
                torch_ext::for_rows([&mut logits], [&center], |_, [row], [center]| {
                    torch_ext::softmax(row, center, temperature as f32)
                })?;
                Ok(logits)
            }
            Self::Tensors => {
                let _ = logits.g_sub_(center);
                let _ = logits.g_div_scalar_(temperature);
                Ok(logits.softmax(-1, Kind::Float))
            }
        }
    }

    /// Student logits `[streams m, D]`, which are used up, against targets `[m, D]` that serve each stream: the sum of the
    /// rows' cross-entropies, and `scale` times the gradient of logits / temperature.
    pub fn cross_entropy(
        self,
        mut logits: Tensor,
        target: &Tensor,
        temperature: f64,
        scale: f64,
    ) -> Result<(Tensor, Tensor), UdiError> {
        match self {
            Self::Rows => {
                let mut values = Tensor::zeros([logits.size()[0], 1], (Kind::Float, Device::Cpu));
                let (temperature, scale) = (temperature as f32, scale as f32);
                torch_ext::for_rows(
                    [&mut logits, &mut values],
                    [target],
                    |_, [row, value], [target]| {
                        value[0] = torch_ext::cross_entropy(row, target, temperature, scale);
                    },
                )?;
                Ok((values.sum(Kind::Float), logits))
            }
            Self::Tensors => {
                let _ = logits.g_div_scalar_(temperature);
                let normaliser = logits.logsumexp([-1], true);
                let streams = logits.view([-1, target.size()[0], target.size()[1]]);
                let value = normaliser.sum(Kind::Float) - (&streams * target).sum(Kind::Float);
                let _ = logits.g_sub_(&normaliser);
                let _ = logits.exp_();
                let _ = logits
                    .view([-1, target.size()[0], target.size()[1]])
                    .g_sub_(target);
                let _ = logits.g_mul_scalar_(scale);
                Ok((value, logits))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn random(rows: i64, width: i64) -> Tensor {
        Tensor::randn([rows, width], (Kind::Float, Device::Cpu))
    }

    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).abs().max().double_value(&[])
    }

    proptest! {
        #[test]
        fn both_forms_compute_the_same(streams in 1..4i64, targets in 1..5i64, width in 1..200i64, seed in 0..100i64) {
            tch::manual_seed(seed);
            let (center, teacher) = (random(1, width).squeeze_dim(0), random(targets, width));
            let student = random(streams * targets, width);
            let run = |form: SoftmaxPass| {
                let target = form.distributions(teacher.copy(), &center, 0.07).unwrap();
                let (value, gradient) = form.cross_entropy(student.copy(), &target, 0.1, 2.5).unwrap();
                (target, value.double_value(&[]), gradient)
            };
            let (rows, tensors) = (run(SoftmaxPass::Rows), run(SoftmaxPass::Tensors));
            prop_assert!(distance(&rows.0, &tensors.0) < 1e-5);
            prop_assert!((rows.1 - tensors.1).abs() < 1e-5 * tensors.1.abs().max(1.0));
            prop_assert!(distance(&rows.2, &tensors.2) < 2e-5);
        }
    }
}
