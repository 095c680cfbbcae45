//! Clipping: each tensor by its own L2 norm.

use tch::{Kind, Tensor, no_grad};

/// Added to a norm before it divides.
const EPSILON: f64 = 1e-6;

/// L2 norm of each gradient, 0 where there is none: `[parameters]`, fp32.
pub(crate) fn norms(gradients: &[Option<Tensor>]) -> Tensor {
    let device = gradients.iter().flatten().next().map(Tensor::device);
    let zero = Tensor::zeros([], (Kind::Float, device.unwrap_or(tch::Device::Cpu)));
    let norm = |gradient: &Option<Tensor>| match gradient {
        Some(gradient) => gradient.norm(),
        None => zero.shallow_clone(),
    };
    Tensor::stack(&gradients.iter().map(norm).collect::<Vec<_>>(), 0)
}

/// Scales each gradient down to the norm `limit`; 0: leaves them as they are.
pub(crate) fn clip(gradients: &mut [Option<Tensor>], norms: &Tensor, limit: f64) {
    if limit == 0.0 {
        return;
    }
    no_grad(|| {
        let factors = ((norms + EPSILON).reciprocal() * limit).clamp_max(1.0);
        for (index, gradient) in gradients.iter_mut().enumerate() {
            if let Some(gradient) = gradient {
                let _ = gradient.g_mul_(&factors.get(index as i64));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_longer_than_the_limit_is_cut_each_by_its_own_norm() {
        let long = Tensor::from_slice(&[3.0f32, 4.0]);
        let short = Tensor::from_slice(&[0.3f32, 0.4]);
        let mut gradients = vec![Some(long), None, Some(short.copy())];
        let lengths = norms(&gradients);
        assert_eq!(lengths.double_value(&[0]), 5.0);
        assert_eq!(lengths.double_value(&[1]), 0.0);
        clip(&mut gradients, &lengths, 1.0);
        let after = norms(&gradients);
        assert!((after.double_value(&[0]) - 1.0).abs() < 1e-5);
        assert_eq!(gradients[2], Some(short));
    }

    #[test]
    fn a_limit_of_zero_cuts_nothing() {
        let mut gradients = vec![Some(Tensor::from_slice(&[300.0f32]))];
        let lengths = norms(&gradients);
        clip(&mut gradients, &lengths, 0.0);
        assert_eq!(norms(&gradients).double_value(&[0]), 300.0);
    }
}
