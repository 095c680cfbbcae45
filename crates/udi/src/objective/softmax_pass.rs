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

    /// Logits `[rows, D]` become softmax((logits - center) / temperature), in their own memory.
    pub fn distributions(
        self,
        logits: &Tensor,
        center: &Tensor,
        temperature: f64,
    ) -> Result<(), UdiError> {
        let mut logits = logits.shallow_clone();
        match self {
            Self::Rows => {
                let center = center.unsqueeze(0);
                torch_ext::for_rows([&mut logits], [&center], |_, [row], [center]| {
                    torch_ext::softmax(row, center, temperature as f32)
                })?;
            }
            Self::Tensors => {
                let _ = logits.g_sub_(center);
                let _ = logits.g_div_scalar_(temperature);
                logits.copy_(&logits.softmax(-1, Kind::Float));
            }
        }
        Ok(())
    }

    /// Student logits `[streams m, D]` against targets `[m, D]` that serve each stream: returns the sum of the rows'
    /// cross-entropies; the logits become `scale` times the gradient of logits / temperature, in their own memory.
    pub fn cross_entropy(
        self,
        logits: &Tensor,
        target: &Tensor,
        temperature: f64,
        scale: f64,
    ) -> Result<Tensor, UdiError> {
        let mut logits = logits.shallow_clone();
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
                Ok(values.sum(Kind::Float))
            }
            Self::Tensors => {
                let _ = logits.g_div_scalar_(temperature);
                let normaliser = logits.logsumexp([-1], true);
                let mut streams = logits.view([-1, target.size()[0], target.size()[1]]);
                let value = normaliser.sum(Kind::Float) - (&streams * target).sum(Kind::Float);
                let _ = logits.g_sub_(&normaliser);
                let _ = logits.exp_();
                let _ = streams.g_sub_(target);
                let _ = logits.g_mul_scalar_(scale);
                Ok(value)
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
                let (target, gradient) = (teacher.copy(), student.copy());
                form.distributions(&target, &center, 0.07).unwrap();
                let value = form.cross_entropy(&gradient, &target, 0.1, 2.5).unwrap();
                (target, value.double_value(&[]), gradient)
            };
            let (rows, tensors) = (run(SoftmaxPass::Rows), run(SoftmaxPass::Tensors));
            prop_assert!(distance(&rows.0, &tensors.0) < 1e-5);
            prop_assert!((rows.1 - tensors.1).abs() < 1e-5 * tensors.1.abs().max(1.0));
            prop_assert!(distance(&rows.2, &tensors.2) < 2e-5);
        }
    }
}
