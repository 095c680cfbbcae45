//! Clipping: each tensor by its own L2 norm.

use tch::{Device, Kind, Tensor};

use super::ScaledGradients;
use crate::{error::UdiError, transfer::to_device};

/// Added to a norm before it divides.
const EPSILON: f64 = 1e-6;

/// L2 norms of the gradients that are there, on their device.
pub(crate) fn norms(gradients: &[Option<Tensor>], device: Device) -> Result<Tensor, UdiError> {
    let present: Vec<&Tensor> = gradients.iter().flatten().collect();
    if present.is_empty() {
        return Ok(Tensor::zeros([0], (Kind::Float, device)));
    }
    if device != Device::Cpu {
        return Ok(torch_ext::foreach_norm(&present)?);
    }
    let sums = torch_ext::square_sums(&present)?.into_iter();
    Ok(Tensor::from_slice(&sums.map(f64::sqrt).collect::<Vec<_>>()))
}

/// What each gradient of a scaled loss is multiplied by: its norm, of the unscaled loss, becomes at most `limit`; 0: no
/// clipping.
pub(crate) fn factors(norms: &[f64], limit: f64, loss_scale: f64) -> Vec<f64> {
    let clipped = |norm: &f64| match limit {
        0.0 => 1.0,
        limit => (limit / (norm + EPSILON)).min(1.0),
    };
    norms
        .iter()
        .map(|norm| clipped(norm) / loss_scale)
        .collect()
}

/// The same for norms `[n]` of scaled gradients, on their device, fp64: fp32 factors `[n]`.
pub(crate) fn clip_factors(norms: &Tensor, limit: f64, loss_scale: f64) -> Tensor {
    let clipped = match limit {
        0.0 => norms.ones_like(),
        limit => (norms.full_like(limit) / (norms / loss_scale + EPSILON)).clamp_max(1.0),
    };
    (clipped / loss_scale).to_kind(Kind::Float)
}

/// Multiplies each gradient by its factor.
pub(super) fn clip(gradients: &mut ScaledGradients) -> Result<(), UdiError> {
    let cut = |(gradient, &factor): (&Option<Tensor>, &f64)| {
        let gradient = gradient.as_ref().filter(|_| factor != 1.0)?;
        Some((gradient.shallow_clone(), factor as f32))
    };
    let each = gradients.tensors.iter().zip(&gradients.factors);
    let (mut tensors, factors): (Vec<Tensor>, Vec<f32>) = each.filter_map(cut).unzip();
    let Some(device) = tensors.first().map(Tensor::device) else {
        return Ok(());
    };
    let factors = to_device(&Tensor::from_slice(&factors), device)?.unbind(0);
    torch_ext::foreach_mul(&mut tensors, &factors.iter().collect::<Vec<_>>())?;
    Ok(())
}

/// The same with factors of the device.
pub(super) fn clip_judged(
    gradients: &mut [Option<Tensor>],
    factors: &[Option<Tensor>],
) -> Result<(), UdiError> {
    let each = gradients.iter().zip(factors);
    let present = each.filter_map(|(gradient, factor)| gradient.as_ref().zip(factor.as_ref()));
    let (mut tensors, factors): (Vec<Tensor>, Vec<&Tensor>) = present
        .map(|(gradient, factor)| (gradient.shallow_clone(), factor))
        .unzip();
    Ok(torch_ext::foreach_mul(&mut tensors, &factors)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(gradients: &[Option<Tensor>]) -> Vec<f64> {
        let norms = norms(gradients, Device::Cpu).unwrap();
        let norms: Vec<f64> = Vec::try_from(norms.to_kind(Kind::Double)).unwrap();
        let mut norms = norms.into_iter();
        let of_gradient = |gradient: &Option<Tensor>| match gradient {
            Some(_) => norms.next().unwrap(),
            None => 0.0,
        };
        gradients.iter().map(of_gradient).collect()
    }

    fn clipped(tensors: Vec<Option<Tensor>>, limit: f64, loss_scale: f64) -> Vec<Option<Tensor>> {
        let norms: Vec<f64> = lengths(&tensors)
            .iter()
            .map(|norm| norm / loss_scale)
            .collect();
        let mut gradients = ScaledGradients {
            tensors,
            factors: factors(&norms, limit, loss_scale),
        };
        clip(&mut gradients).unwrap();
        gradients.tensors
    }

    #[test]
    fn only_what_is_longer_than_the_limit_is_cut_each_by_its_own_norm() {
        let long = Tensor::from_slice(&[3.0f32, 4.0]);
        let short = Tensor::from_slice(&[0.3f32, 0.4]);
        let gradients = vec![Some(long), None, Some(short.copy())];
        assert_eq!(lengths(&gradients)[..2], [5.0, 0.0]);
        let after = clipped(gradients, 1.0, 1.0);
        assert!((lengths(&after)[0] - 1.0).abs() < 1e-5);
        assert_eq!(after[2], Some(short));
    }

    #[test]
    fn a_limit_of_zero_cuts_nothing() {
        let after = clipped(vec![Some(Tensor::from_slice(&[300.0f32]))], 0.0, 1.0);
        assert_eq!(lengths(&after), [300.0]);
    }

    #[test]
    fn a_loss_scale_is_taken_out_and_does_not_count_against_the_limit() {
        let scaled = || vec![Some(Tensor::from_slice(&[3.0f32 * 1024.0, 4.0 * 1024.0]))];
        assert_eq!(lengths(&clipped(scaled(), 6.0, 1024.0)), [5.0]);
        assert!((lengths(&clipped(scaled(), 1.0, 1024.0))[0] - 1.0).abs() < 1e-5);
    }

    #[test]
    fn the_device_gives_the_same_factors() {
        let scaled = [0.0, 0.4, 3.0, 1e-20, 7e5];
        for (limit, loss_scale) in [(0.0, 1.0), (0.3, 1.0), (3.0, 1024.0), (0.0, 1024.0)] {
            let norms = scaled.map(|norm| norm / loss_scale);
            let expected = factors(&norms, limit, loss_scale);
            let expected: Vec<f32> = expected.iter().map(|&factor| factor as f32).collect();
            let received = clip_factors(&Tensor::from_slice(&scaled), limit, loss_scale);
            assert_eq!(Vec::<f32>::try_from(received).unwrap(), expected);
        }
    }

    #[test]
    fn both_forms_of_norms_agree() {
        let gradients: Vec<Option<Tensor>> = [7, 1000, 0, 70_000]
            .map(|length| (length > 0).then(|| Tensor::randn([length], (Kind::Float, Device::Cpu))))
            .into();
        let tensors: Vec<&Tensor> = gradients.iter().flatten().collect();
        let expected: Vec<f64> = Vec::try_from(
            torch_ext::foreach_norm(&tensors)
                .unwrap()
                .to_kind(Kind::Double),
        )
        .unwrap();
        let received: Vec<f64> = lengths(&gradients)
            .into_iter()
            .filter(|&norm| norm > 0.0)
            .collect();
        for (received, expected) in received.into_iter().zip(expected) {
            assert!((received - expected).abs() < 1e-5 * expected);
        }
    }
}
