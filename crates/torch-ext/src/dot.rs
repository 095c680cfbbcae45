//! The scalar product of two rows.

use multiversion::multiversion;

/// Products summed side by side: two vectors of the widest unit.
const LANES: usize = 32;

/// Σ left · right, over the shorter of the two.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+fma", "x86_64+avx2+fma"))]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    product(left, right)
}

/// The same, compiled for the unit of its caller.
#[inline(always)]
pub(crate) fn product(left: &[f32], right: &[f32]) -> f32 {
    let (blocks, rest) = left.as_chunks::<LANES>();
    let (other_blocks, other_rest) = right.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (block, other) in blocks.iter().zip(other_blocks) {
        for lane in 0..LANES {
            sums[lane] += block[lane] * other[lane];
        }
    }
    let rest: f32 = rest.iter().zip(other_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Σ of a row, likewise.
#[inline(always)]
pub(crate) fn total(row: &[f32]) -> f32 {
    let (blocks, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for block in blocks {
        for lane in 0..LANES {
            sums[lane] += block[lane];
        }
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_counts_once_at_any_length() {
        for length in 0..100u16 {
            let row: Vec<f32> = (0..length).map(f32::from).collect();
            let expected: f64 = row.iter().map(|&value| f64::from(value).powi(2)).sum();
            assert!((f64::from(dot(&row, &row)) - expected).abs() <= expected * 1e-6);
            let expected: f64 = row.iter().map(|&value| f64::from(value)).sum();
            assert!((f64::from(total(&row)) - expected).abs() <= expected * 1e-6);
        }
    }
}
