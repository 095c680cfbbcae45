//! Softmax of the teacher and cross-entropy of the student over whole rows of prototypes.
//!
//! On the CPU and on CUDA devices kernels of our own work on a row at a time, which stays in cache from its first value read to its
//! last value written. Elsewhere libtorch's operations do the same over all rows; the tests hold the two against each other.

use tch::{Device, Kind, Tensor};
use torch_ext::without_cuda_kernels;

use crate::error::UdiError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SoftmaxPass {
    /// A row at a time.
    Rows,
    /// All rows at once, on tensors.
    Tensors,
}

impl SoftmaxPass {
    /// For logits of this kind on this device.
    pub fn on(device: Device, kind: Kind) -> Self {
        match (device, kind) {
            (Device::Cpu, Kind::Float | Kind::BFloat16) => Self::Rows,
            (Device::Cuda(_), _) if without_cuda_kernels(device).is_none() => Self::Rows,
            _ => Self::Tensors,
        }
    }

    /// softmax((logits - center) / temperature) of logits `[rows, D]`, fp32; in the memory of the logits if they are.
    pub fn distributions(
        self,
        logits: &Tensor,
        center: &Tensor,
        temperature: f64,
    ) -> Result<Tensor, UdiError> {
        if self == Self::Rows {
            return Ok(torch_ext::softmax_rows(logits, center, temperature as f32)?);
        }
        let mut logits = logits.to_kind(Kind::Float);
        let _ = logits.g_sub_(center);
        let _ = logits.g_div_scalar_(temperature);
        Ok(logits.softmax(-1, Kind::Float))
    }

    /// Student logits `[streams m, D]` against targets that serve each stream, the mean of one or two views `[m, D]`, fp32: returns
    /// the sum of the rows' cross-entropies; the logits become `scale` times the gradient of logits / temperature, in their own memory.
    pub fn cross_entropy(
        self,
        logits: &Tensor,
        views: &[Tensor],
        temperature: f64,
        scale: f64,
    ) -> Result<Tensor, UdiError> {
        let mut logits = logits.shallow_clone();
        if self == Self::Rows {
            let numbers = (temperature as f32, scale as f32);
            let views: Vec<&Tensor> = views.iter().collect();
            let values = torch_ext::cross_entropy_rows(&mut logits, &views, numbers.0, numbers.1)?;
            return Ok(values.sum(Kind::Float));
        }
        let target = match views {
            [view] => view.shallow_clone(),
            _ => Tensor::stack(views, 0).mean_dim([0].as_slice(), false, Kind::Float),
        };
        let (rows, targets, width) = (logits.size()[0], target.size()[0], target.size()[1]);
        let streams = [rows / targets.max(1), targets, width];
        // The logits themselves where they are fp32.
        let mut scaled = logits.to_kind(Kind::Float);
        let _ = scaled.g_div_scalar_(temperature);
        let normaliser = scaled.logsumexp([-1], true);
        let value = normaliser.sum(Kind::Float) - (scaled.view(streams) * &target).sum(Kind::Float);
        let _ = scaled.g_sub_(&normaliser);
        let _ = scaled.exp_();
        let _ = scaled.view(streams).g_sub_(&target);
        let _ = scaled.g_mul_scalar_(scale);
        if logits.kind() != Kind::Float {
            logits.copy_(&scaled);
        }
        Ok(value)
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
        fn both_forms_compute_the_same(
            streams in 1..4i64, targets in 0..5i64, width in 1..200i64, views in 1..3usize, seed in 0..100i64,
        ) {
            tch::manual_seed(seed);
            let (center, teacher) = (random(1, width).squeeze_dim(0), random(targets, width));
            let student = random(streams * targets, width);
            for (kind, tolerance) in [(Kind::Float, 2e-5), (Kind::BFloat16, 2e-2)] {
                let run = |form: SoftmaxPass| {
                    let (logits, gradient) = (teacher.to_kind(kind).copy(), student.to_kind(kind).copy());
                    let target = form.distributions(&logits, &center, 0.07).unwrap();
                    let other = target.flip([0]);
                    let value = form.cross_entropy(&gradient, &[target.shallow_clone(), other][..views], 0.1, 2.5).unwrap();
                    (target, value.double_value(&[]), gradient)
                };
                let (rows, tensors) = (run(SoftmaxPass::Rows), run(SoftmaxPass::Tensors));
                prop_assert!((rows.1 - tensors.1).abs() < 1e-5 * tensors.1.abs().max(1.0));
                if targets > 0 {
                    prop_assert!(distance(&rows.0, &tensors.0) < 1e-5);
                    prop_assert!(distance(&rows.2, &tensors.2) < tolerance);
                }
            }
        }
    }
}
