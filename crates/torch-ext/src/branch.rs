//! Residual branches: rows of fp32 to which the output of a branch is added, each row scaled by a factor.

use tch::{Device, Kind, Tensor};

use crate::{
    column_sums::{Sums, add},
    cuda,
    element::{Bf16, Element},
    parallel::parallel,
    row_parts::Shape,
    rows::RowsError,
    vector::{Kernel, vectorised},
};

/// Gradient of a branch's output.
#[derive(Debug)]
pub struct BranchGradient {
    /// `[rows, width]`
    pub output: Tensor,
    /// Sum of its rows, `[width]`, fp32: that of a bias added last in the branch.
    pub sums: Tensor,
}

/// tokens + factor · output in a new fp32 matrix. Matrices `[rows, width]`, the output fp32 or bf16, on a CUDA device fp16 too; `factors` is `[rows]`,
/// fp32, None: all are 1.
pub fn add_branch(
    tokens: &Tensor,
    output: &Tensor,
    factors: Option<&Tensor>,
) -> Result<Tensor, RowsError> {
    if tokens.device().is_cuda() {
        let branch = cuda::Branch { output, factors };
        let (sum, _) = cuda::add_branch_and_norm(tokens, Some(branch), None, output.kind())?;
        return sum.ok_or_else(|| RowsError::Kernel("nothing added".to_owned()));
    }
    match output.kind() {
        Bf16::KIND => forward::<Bf16>(tokens, output, factors),
        _ => forward::<f32>(tokens, output, factors),
    }
}

/// factor · gradient in this kind, fp32 or bf16, on a CUDA device fp16 too, with the sum of its rows. The gradient is a fp32 matrix.
pub fn branch_gradient(
    gradient: &Tensor,
    factors: Option<&Tensor>,
    kind: Kind,
) -> Result<BranchGradient, RowsError> {
    if gradient.device().is_cuda() {
        return cuda::branch_gradient(gradient, factors, kind);
    }
    match kind {
        Bf16::KIND => backward::<Bf16>(gradient, factors),
        _ => backward::<f32>(gradient, factors),
    }
}

fn forward<T: Element>(
    tokens: &Tensor,
    output: &Tensor,
    factors: Option<&Tensor>,
) -> Result<Tensor, RowsError> {
    let shape = Shape::of(tokens)?;
    let mut sum = Tensor::empty(tokens.size(), (Kind::Float, Device::Cpu));
    let tokens = shape.cut::<f32>(tokens, shape.width)?;
    let outputs = shape.cut::<T>(output, shape.width)?;
    let factors = factors_of(factors, shape)?;
    // SAFETY: it is new.
    let sums = unsafe { shape.cut_mut::<f32>(&mut sum, shape.width)? };
    let parts = tokens.zip(outputs).zip(factors).zip(sums);
    parallel(parts.collect(), |(((tokens, output), factors), sum)| {
        vectorised(Forward {
            tokens,
            output,
            factors,
            sum,
            width: shape.width,
        });
    });
    Ok(sum)
}

fn backward<T: Element>(
    gradient: &Tensor,
    factors: Option<&Tensor>,
) -> Result<BranchGradient, RowsError> {
    let shape = Shape::of(gradient)?;
    let mut output = Tensor::empty(gradient.size(), (T::KIND, Device::Cpu));
    let mut sums = Sums::zeros(shape);
    let gradients = shape.cut::<f32>(gradient, shape.width)?;
    let factors = factors_of(factors, shape)?;
    // SAFETY: it is new.
    let outputs = unsafe { shape.cut_mut::<T>(&mut output, shape.width)? };
    let parts = gradients.zip(factors).zip(outputs).zip(sums.parts());
    parallel(parts.collect(), |(((gradient, factors), output), sums)| {
        vectorised(Backward {
            gradient,
            factors,
            output,
            sums,
            width: shape.width,
        });
    });
    let sums = sums.total();
    Ok(BranchGradient { output, sums })
}

/// Factors of each part; no values where all are 1.
fn factors_of(
    factors: Option<&Tensor>,
    shape: Shape,
) -> Result<impl Iterator<Item = &[f32]>, RowsError> {
    let mut given = match factors {
        Some(factors) => Some(shape.cut::<f32>(factors, 1)?),
        None => None,
    };
    let empty: &[f32] = &[];
    Ok((0..shape.parts()).map(move |_| match &mut given {
        Some(given) => given.next().unwrap_or(empty),
        None => empty,
    }))
}

#[inline(always)]
fn factor(factors: &[f32], row: usize) -> f32 {
    factors.get(row).copied().unwrap_or(1.0)
}

struct Forward<'a, T> {
    tokens: &'a [f32],
    output: &'a [T],
    factors: &'a [f32],
    sum: &'a mut [f32],
    width: usize,
}

impl<T: Element> Kernel for Forward<'_, T> {
    #[inline(always)]
    fn run(self) {
        let rows = self.tokens.chunks_exact(self.width);
        let rows = rows.zip(self.output.chunks_exact(self.width));
        let rows = rows.zip(self.sum.chunks_exact_mut(self.width));
        for (row, ((tokens, output), sum)) in rows.enumerate() {
            let factor = factor(self.factors, row);
            for ((sum, token), output) in sum.iter_mut().zip(tokens).zip(output) {
                *sum = token + factor * output.read();
            }
        }
    }
}

struct Backward<'a, T> {
    gradient: &'a [f32],
    factors: &'a [f32],
    output: &'a mut [T],
    sums: &'a mut [f32],
    width: usize,
}

impl<T: Element> Kernel for Backward<'_, T> {
    #[inline(always)]
    fn run(self) {
        let rows = self.gradient.chunks_exact(self.width);
        let rows = rows.zip(self.output.chunks_exact_mut(self.width));
        for (row, (gradient, output)) in rows.enumerate() {
            let factor = factor(self.factors, row);
            for (output, gradient) in output.iter_mut().zip(gradient) {
                *output = T::of(factor * gradient);
            }
            add(self.sums, output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        let difference = a.to_kind(Kind::Double) - b.to_kind(Kind::Double);
        difference.abs().max().double_value(&[])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn sums_and_gradients_are_those_of_tensors(rows in 1..90i64, width in 1..400i64, seed in 0..100i64) {
            tch::manual_seed(seed);
            let random = |shape: &[i64]| Tensor::randn(shape, (Kind::Float, Device::Cpu));
            let (tokens, factors) = (random(&[rows, width]), random(&[rows]));
            for kind in [Kind::Float, Kind::BFloat16] {
                let output = random(&[rows, width]).to_kind(kind);
                let exact = output.to_kind(Kind::Float);
                let column = factors.unsqueeze(1);
                let scaled = add_branch(&tokens, &output, Some(&factors)).unwrap();
                prop_assert!(distance(&scaled, &(&tokens + &exact * &column)) < 1e-5);
                let plain = add_branch(&tokens, &output, None).unwrap();
                prop_assert!(distance(&plain, &(&tokens + &exact)) < 1e-6);
                let received = branch_gradient(&tokens, Some(&factors), kind).unwrap();
                prop_assert_eq!(&received.output, &(&tokens * &column).to_kind(kind));
                let sums = received.output.to_kind(Kind::Double).sum_dim_intlist([0].as_slice(), false, Kind::Double);
                prop_assert!(distance(&received.sums, &sums) < 1e-4);
            }
        }
    }

    #[test]
    fn factors_of_another_number_of_rows_are_refused() {
        let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        let error = branch_gradient(&zeros(&[4, 3]), Some(&zeros(&[3])), Kind::Float).unwrap_err();
        assert_eq!(
            error,
            RowsError::Count {
                expected: 4,
                received: 3
            }
        );
    }
}
