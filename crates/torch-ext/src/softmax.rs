//! Softmax and cross-entropy of one row, each value of which is read from memory as few times as can be.
//!
//! A row of 65536 values fits a core's second cache, where libtorch's operations, each over all rows, go to memory and
//! back a dozen times.

use multiversion::multiversion;

use crate::exp::exp;

/// Values summed side by side: four vectors of the widest unit.
const LANES: usize = 64;

/// Replaces `logits` by softmax((logits - center) / temperature). `center` is as long as `logits`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+fma", "x86_64+avx2+fma"))]
pub(crate) fn softmax(logits: &mut [f32], center: &[f32], temperature: f32) {
    let sharpness = temperature.recip();
    let mut top = [f32::NEG_INFINITY; LANES];
    for_lanes(logits, center, |lane, value, center| {
        *value = (*value - center) * sharpness;
        top[lane] = if *value > top[lane] {
            *value
        } else {
            top[lane]
        };
    });
    let top = largest(&top);
    let mut sums = [0.0; LANES];
    for_lanes(logits, center, |lane, value, _| {
        *value = exp(*value - top);
        sums[lane] += *value;
    });
    let scale = total(&sums).recip();
    for value in logits {
        *value *= scale;
    }
}

/// The cross-entropy -Σ target · log softmax(logits / temperature), for a target that sums to 1. Replaces `logits` by
/// `scale` times its gradient with respect to logits / temperature, softmax - target.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+fma", "x86_64+avx2+fma"))]
pub(crate) fn cross_entropy(
    logits: &mut [f32],
    target: &[f32],
    temperature: f32,
    scale: f32,
) -> f32 {
    let sharpness = temperature.recip();
    let mut top = [f32::NEG_INFINITY; LANES];
    let mut agreement = [0.0; LANES];
    for_lanes(logits, target, |lane, value, target| {
        *value *= sharpness;
        top[lane] = if *value > top[lane] {
            *value
        } else {
            top[lane]
        };
        agreement[lane] += *value * target;
    });
    let (top, agreement) = (largest(&top), total(&agreement));
    let mut sums = [0.0; LANES];
    for_lanes(logits, target, |lane, value, _| {
        *value = exp(*value - top);
        sums[lane] += *value;
    });
    let sum = total(&sums);
    let (of_value, of_target) = (scale / sum, scale);
    for (value, &target) in logits.iter_mut().zip(target) {
        *value = *value * of_value - target * of_target;
    }
    top + sum.ln() - agreement
}

/// Calls `visit(lane, value, other)` for all values; those of one lane in their order.
#[inline(always)]
fn for_lanes(values: &mut [f32], others: &[f32], mut visit: impl FnMut(usize, &mut f32, f32)) {
    let (blocks, rest) = values.as_chunks_mut::<LANES>();
    let (other_blocks, other_rest) = others.as_chunks::<LANES>();
    for (block, other) in blocks.iter_mut().zip(other_blocks) {
        for lane in 0..LANES {
            visit(lane, &mut block[lane], other[lane]);
        }
    }
    for (lane, (value, &other)) in rest.iter_mut().zip(other_rest).enumerate() {
        visit(lane, value, other);
    }
}

#[inline(always)]
fn largest(lanes: &[f32; LANES]) -> f32 {
    // A NaN stays: it must reach the loss, where it stops the run.
    lanes.iter().fold(f32::NEG_INFINITY, |top, &value| {
        if value > top || value.is_nan() {
            value
        } else {
            top
        }
    })
}

#[inline(always)]
fn total(lanes: &[f32; LANES]) -> f32 {
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
        (1..300usize).prop_flat_map(|width| {
            let values = |range: std::ops::Range<f32>| prop::collection::vec(range, width);
            (values(-1.0..1.0), values(-0.5..0.5))
        })
    }

    /// The same in double precision, value by value.
    fn plain_softmax(logits: impl Iterator<Item = f64>) -> Vec<f64> {
        let logits: Vec<f64> = logits.collect();
        let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = logits.iter().map(|logit| (logit - top).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.into_iter().map(|power| power / sum).collect()
    }

    proptest! {
        #[test]
        fn softmax_is_that_of_double_precision((logits, center) in rows(), temperature in 0.02..1.0f32) {
            let pairs = logits.iter().zip(&center);
            let expected = plain_softmax(pairs.map(|(a, b)| f64::from((a - b) * temperature.recip())));
            let mut received = logits.clone();
            softmax(&mut received, &center, temperature);
            for (received, expected) in received.iter().zip(expected) {
                prop_assert!((f64::from(*received) - expected).abs() < 1e-6);
            }
        }

        #[test]
        fn cross_entropy_and_its_gradient_are_those_of_double_precision(
            (logits, scores) in rows(), temperature in 0.05..1.0f32, scale in 0.1..10.0f32,
        ) {
            let target = plain_softmax(scores.iter().map(|&score| f64::from(score) * 20.0));
            let student = plain_softmax(logits.iter().map(|&logit| f64::from(logit * temperature.recip())));
            let expected: f64 = target.iter().zip(&student).map(|(t, s)| -t * s.max(1e-300).ln()).sum();
            let mut gradient = logits.clone();
            let target_row: Vec<f32> = target.iter().map(|&t| t as f32).collect();
            let received = cross_entropy(&mut gradient, &target_row, temperature, scale);
            prop_assert!((f64::from(received) - expected).abs() < 1e-5 * expected.max(1.0));
            for ((received, t), s) in gradient.iter().zip(&target).zip(&student) {
                prop_assert!((f64::from(*received) - f64::from(scale) * (s - t)).abs() < 3e-6 * f64::from(scale));
            }
        }
    }

    #[test]
    fn a_nan_reaches_the_loss() {
        for place in [0, 64, 70] {
            let mut logits = vec![0.5; 71];
            logits[place] = f32::NAN;
            assert!(cross_entropy(&mut logits, &[1.0 / 71.0; 71], 0.1, 1.0).is_nan());
        }
    }
}
