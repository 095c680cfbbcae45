//! Products of small fp32 matrices that lie in a core's cache, on AVX-512.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m512, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

/// Values of a vector.
pub(crate) const LANES: usize = 16;
/// Rows and vectors of the largest tile: its sums fill the registers.
const ROWS: usize = 6;
const VECTORS: usize = 4;

/// Values read as a matrix: that of row m and column k is `values[m * row + k * column]`.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub values: &'a [f32],
    pub row: usize,
    pub column: usize,
}

/// `output` `[rows, width]` becomes `left` `[rows, depth]` times `right` `[depth, width]`; the width is a multiple of [`LANES`].
#[target_feature(enable = "avx512f")]
pub(crate) fn multiply(left: Left, right: &[f32], output: &mut [f32], width: usize) {
    let (rows, depth) = (output.len() / width, right.len() / width);
    if rows == 0 || depth == 0 {
        return output.fill(0.0);
    }
    let last = (rows - 1) * left.row + (depth - 1) * left.column;
    assert!(width.is_multiple_of(LANES) && last < left.values.len());
    let vectors = width / LANES;
    let blocks = vectors.div_ceil(VECTORS);
    for block in 0..blocks {
        let (first, end) = (block * vectors / blocks, (block + 1) * vectors / blocks);
        let mut row = 0;
        while row < rows {
            let count = ROWS.min(rows - row);
            let place = Place {
                left: left.values[row * left.row..].as_ptr(),
                strides: (left.row, left.column),
                right: right[first * LANES..].as_ptr(),
                output: output[row * width + first * LANES..].as_mut_ptr(),
                width,
                depth,
            };
            // SAFETY: rows `row..row + count` and vectors `first..end` lie within the matrices, by the lengths of the slices.
            unsafe { any_tile(place, count, end - first) };
            row += count;
        }
    }
}

/// Where a tile begins in each matrix.
#[derive(Clone, Copy)]
struct Place {
    left: *const f32,
    strides: (usize, usize),
    right: *const f32,
    output: *mut f32,
    width: usize,
    depth: usize,
}

/// # Safety
/// The matrices have so many rows and vectors from the place on.
#[target_feature(enable = "avx512f")]
unsafe fn any_tile(place: Place, rows: usize, vectors: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match vectors {
            1 => of_rows::<1>(place, rows),
            2 => of_rows::<2>(place, rows),
            3 => of_rows::<3>(place, rows),
            _ => of_rows::<4>(place, rows),
        }
    }
}

/// # Safety
/// That of [`any_tile`].
#[target_feature(enable = "avx512f")]
unsafe fn of_rows<const WIDE: usize>(place: Place, rows: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match rows {
            1 => tile::<1, WIDE>(place),
            2 => tile::<2, WIDE>(place),
            3 => tile::<3, WIDE>(place),
            4 => tile::<4, WIDE>(place),
            5 => tile::<5, WIDE>(place),
            _ => tile::<6, WIDE>(place),
        }
    }
}

/// # Safety
/// That of [`any_tile`].
#[target_feature(enable = "avx512f")]
unsafe fn tile<const HIGH: usize, const WIDE: usize>(place: Place) {
    let mut sums: [[__m512; WIDE]; HIGH] = [[_mm512_setzero_ps(); WIDE]; HIGH];
    for step in 0..place.depth {
        let mut right = [_mm512_setzero_ps(); WIDE];
        for (vector, right) in right.iter_mut().enumerate() {
            // SAFETY: row `step` of the right matrix, by the caller's promise.
            *right =
                unsafe { _mm512_loadu_ps(place.right.add(step * place.width + vector * LANES)) };
        }
        for (row, sums) in sums.iter_mut().enumerate() {
            // SAFETY: column `step` of the left matrix, likewise.
            let left = unsafe {
                *place
                    .left
                    .add(row * place.strides.0 + step * place.strides.1)
            };
            let left = _mm512_set1_ps(left);
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum = _mm512_fmadd_ps(left, right, *sum);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (vector, sum) in sums.iter().enumerate() {
            // SAFETY: this row and vector of the output, likewise.
            unsafe { _mm512_storeu_ps(place.output.add(row * place.width + vector * LANES), *sum) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn products_are_those_of_double_precision(rows in 1..20usize, depth in 1..40usize, vectors in 1..10usize, turned in any::<bool>()) {
            if !std::arch::is_x86_feature_detected!("avx512f") {
                return Ok(());
            }
            let width = vectors * LANES;
            let value = |index: usize| ((index * 37 % 101) as f32 - 50.0) / 50.0;
            let left: Vec<f32> = (0..rows * depth).map(value).collect();
            let right: Vec<f32> = (7..7 + depth * width).map(value).collect();
            let (row, column) = if turned { (1, rows) } else { (depth, 1) };
            let mut output = vec![f32::NAN; rows * width];
            // SAFETY: the processor has the unit.
            unsafe { multiply(Left { values: &left, row, column }, &right, &mut output, width) };
            for m in 0..rows {
                for n in 0..width {
                    let products = (0..depth).map(|k| f64::from(left[m * row + k * column]) * f64::from(right[k * width + n]));
                    let expected: f64 = products.sum();
                    prop_assert!((f64::from(output[m * width + n]) - expected).abs() < 1e-5);
                }
            }
        }
    }
}
