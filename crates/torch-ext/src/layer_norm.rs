//! Layer normalisation of fp32 rows, its gradient, and the residual branches between two of them.

use tch::{Device, Kind, Tensor};

use crate::{
    branch::{BranchGradient, add_branch, branch_gradient},
    column_sums::{Sums, add},
    cuda,
    dot::{product, total},
    element::{Bf16, Element},
    lent,
    parallel::parallel,
    row_parts::Shape,
    rows::RowsError,
    vector::{Kernel, vectorised},
};

/// Rows normalised.
#[derive(Debug)]
pub struct Normed {
    /// `[rows, width]` in the kind asked for.
    pub output: Tensor,
    /// Mean and inverse deviation of each row, `[rows, 2]`, fp32.
    pub moments: Tensor,
}

/// Gradients of what a layer normalisation scales and shifts by, `[width]` each, fp32.
#[derive(Debug)]
pub struct NormGradients {
    /// Of the weight.
    pub weight: Tensor,
    /// Of the bias.
    pub bias: Tensor,
}

/// Normalises the rows of a fp32 matrix `[rows, width]`; the output is fp32 or bf16, on a CUDA device fp16 too.
pub fn layer_norm(
    input: &Tensor,
    (weight, bias): (&Tensor, &Tensor),
    epsilon: f32,
    kind: Kind,
) -> Result<Normed, RowsError> {
    if input.device().is_cuda() {
        let norm = cuda::Norm {
            weight,
            bias,
            epsilon,
        };
        let (_, normed) = cuda::add_branch_and_norm(input, None, Some(norm), kind)?;
        return normed.ok_or_else(|| RowsError::Kernel("nothing normalised".to_owned()));
    }
    match kind {
        Bf16::KIND => forward::<Bf16>(input, (weight, bias), epsilon),
        _ => forward::<f32>(input, (weight, bias), epsilon),
    }
}

/// Adds the gradient of the input to `sum`, fp32 `[rows, width]`. `gradient` is that of the output, in its kind.
pub fn layer_norm_backward(
    gradient: &Tensor,
    input: &Tensor,
    moments: &Tensor,
    weight: &Tensor,
    sum: &mut Tensor,
) -> Result<NormGradients, RowsError> {
    if input.device().is_cuda() {
        let input = (input, moments);
        return Ok(cuda::layer_norm_backward(gradient, input, weight, sum, None)?.0);
    }
    match gradient.kind() {
        Bf16::KIND => backward::<Bf16>(gradient, (input, moments), weight, sum),
        _ => backward::<f32>(gradient, (input, moments), weight, sum),
    }
}

/// [`add_branch`] and, where there is a norm, [`layer_norm`] of its result for the kind of the branch: on a CUDA device in one
/// pass over memory.
pub fn add_branch_and_norm(
    tokens: &Tensor,
    (output, factors): (&Tensor, Option<&Tensor>),
    norm: Option<(&Tensor, &Tensor, f32)>,
) -> Result<(Tensor, Option<Normed>), RowsError> {
    if !tokens.device().is_cuda() {
        let sum = add_branch(tokens, output, factors)?;
        let normed = norm.map(|(weight, bias, epsilon)| {
            layer_norm(&sum, (weight, bias), epsilon, output.kind())
        });
        let normed = normed.transpose()?;
        return Ok((sum, normed));
    }
    let norm = norm.map(|(weight, bias, epsilon)| cuda::Norm {
        weight,
        bias,
        epsilon,
    });
    let branch = cuda::Branch { output, factors };
    let (sum, normed) = cuda::add_branch_and_norm(tokens, Some(branch), norm, output.kind())?;
    let sum = sum.ok_or_else(|| RowsError::Kernel("nothing added".to_owned()))?;
    Ok((sum, normed))
}

/// [`layer_norm_backward`], then [`branch_gradient`] of the sum in the gradient's kind: on a CUDA device in one pass over
/// memory.
pub fn layer_norm_backward_to_branch(
    gradient: &Tensor,
    (input, moments): (&Tensor, &Tensor),
    weight: &Tensor,
    sum: &mut Tensor,
    factors: Option<&Tensor>,
) -> Result<(NormGradients, BranchGradient), RowsError> {
    if !input.device().is_cuda() {
        let gradients = layer_norm_backward(gradient, input, moments, weight, sum)?;
        let branch = branch_gradient(sum, factors, gradient.kind())?;
        return Ok((gradients, branch));
    }
    let input = (input, moments);
    let (gradients, branch) =
        cuda::layer_norm_backward(gradient, input, weight, sum, Some(factors))?;
    let branch = branch.ok_or_else(|| RowsError::Kernel("no branch".to_owned()))?;
    Ok((gradients, branch))
}

fn forward<T: Element>(
    input: &Tensor,
    (weight, bias): (&Tensor, &Tensor),
    epsilon: f32,
) -> Result<Normed, RowsError> {
    let shape = Shape::of(input)?;
    let width = shape.width;
    let mut output = Tensor::empty(input.size(), (T::KIND, Device::Cpu));
    let mut moments = Tensor::empty([shape.rows as i64, 2], (Kind::Float, Device::Cpu));
    let (weight, bias) = (affine(weight, width)?, affine(bias, width)?);
    let inputs = shape.cut::<f32>(input, width)?;
    // SAFETY: both are new.
    let outputs = unsafe {
        let outputs = shape.cut_mut::<T>(&mut output, width)?;
        outputs.zip(shape.cut_mut::<f32>(&mut moments, 2)?)
    };
    parallel(
        inputs.zip(outputs).collect(),
        |(input, (output, moments))| {
            vectorised(Forward {
                input,
                weight,
                bias,
                epsilon,
                output,
                moments,
            });
        },
    );
    Ok(Normed { output, moments })
}

fn backward<T: Element>(
    gradient: &Tensor,
    (input, moments): (&Tensor, &Tensor),
    weight: &Tensor,
    sum: &mut Tensor,
) -> Result<NormGradients, RowsError> {
    let shape = Shape::of(gradient)?;
    let width = shape.width;
    let weight = affine(weight, width)?;
    let (mut of_weight, mut of_bias) = (Sums::zeros(shape), Sums::zeros(shape));
    lent::apart(sum, &[gradient, input, moments])?;
    let gradients = shape.cut::<T>(gradient, width)?;
    let inputs = shape.cut::<f32>(input, width)?;
    let moments = shape.cut::<f32>(moments, 2)?;
    // SAFETY: it is apart from the others.
    let sums = unsafe { shape.cut_mut::<f32>(sum, width)? };
    let rows = gradients.zip(inputs).zip(moments).zip(sums);
    let parts = rows.zip(of_weight.parts().zip(of_bias.parts()));
    parallel(
        parts.collect(),
        |((((gradient, input), moments), sum), (of_weight, of_bias))| {
            vectorised(Backward {
                gradient,
                input,
                moments,
                weight,
                sum,
                of_weight,
                of_bias,
            });
        },
    );
    Ok(NormGradients {
        weight: of_weight.total(),
        bias: of_bias.total(),
    })
}

/// Values of a weight or bias of this width.
fn affine(tensor: &Tensor, width: usize) -> Result<&[f32], RowsError> {
    let values = lent::values::<f32>(tensor)?;
    match values.len() == width && width > 0 {
        true => Ok(values),
        false => Err(RowsError::Layout(format!(
            "{} values for rows of {width}",
            values.len()
        ))),
    }
}

struct Forward<'a, T> {
    input: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    epsilon: f32,
    output: &'a mut [T],
    moments: &'a mut [f32],
}

impl<T: Element> Kernel for Forward<'_, T> {
    #[inline(always)]
    fn run(self) {
        let width = self.weight.len();
        let mut centred = vec![0.0; width];
        let rows = self.input.chunks_exact(width);
        let rows = rows.zip(self.output.chunks_exact_mut(width));
        for ((input, output), moments) in rows.zip(self.moments.chunks_exact_mut(2)) {
            let mean = total(input) / width as f32;
            for (centred, value) in centred.iter_mut().zip(input) {
                *centred = value - mean;
            }
            let variance = product(&centred, &centred) / width as f32;
            let scale = (variance + self.epsilon).sqrt().recip();
            let affine = self.weight.iter().zip(self.bias);
            for ((output, centred), (weight, bias)) in output.iter_mut().zip(&centred).zip(affine) {
                *output = T::of(centred * scale * weight + bias);
            }
            moments.copy_from_slice(&[mean, scale]);
        }
    }
}

struct Backward<'a, T> {
    gradient: &'a [T],
    input: &'a [f32],
    moments: &'a [f32],
    weight: &'a [f32],
    sum: &'a mut [f32],
    of_weight: &'a mut [f32],
    of_bias: &'a mut [f32],
}

impl<T: Element> Kernel for Backward<'_, T> {
    #[inline(always)]
    fn run(self) {
        let width = self.weight.len();
        let (mut unit, mut slope) = (vec![0.0; width], vec![0.0; width]);
        let rows = self.gradient.chunks_exact(width);
        let rows = rows.zip(self.input.chunks_exact(width));
        let rows = rows.zip(self.moments.chunks_exact(2));
        for (((gradient, input), moments), sum) in rows.zip(self.sum.chunks_exact_mut(width)) {
            let (mean, scale) = (moments[0], moments[1]);
            for (unit, value) in unit.iter_mut().zip(input) {
                *unit = (value - mean) * scale;
            }
            for (slope, gradient) in slope.iter_mut().zip(gradient) {
                *slope = gradient.read();
            }
            for ((sum, slope), unit) in self.of_weight.iter_mut().zip(&slope).zip(&unit) {
                *sum += slope * unit;
            }
            add(self.of_bias, &slope);
            for (slope, weight) in slope.iter_mut().zip(self.weight) {
                *slope *= weight;
            }
            let along = product(&slope, &unit) / width as f32;
            let mean = total(&slope) / width as f32;
            for ((sum, slope), unit) in sum.iter_mut().zip(&slope).zip(&unit) {
                *sum += (slope - mean - unit * along) * scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EPSILON: f64 = 1e-6;

    fn random(shape: &[i64]) -> Tensor {
        Tensor::randn(shape, (Kind::Float, Device::Cpu))
    }

    /// Largest difference as a share of the largest value.
    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        let (a, b) = (a.to_kind(Kind::Double), b.to_kind(Kind::Double));
        let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
        largest(&(a - &b)) / largest(&b).max(1e-2)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn value_and_gradients_are_those_of_autograd(rows in 1..90i64, width in 2..400i64, seed in 0..100i64) {
            tch::manual_seed(seed);
            let double = |tensor: &Tensor| tensor.to_kind(Kind::Double).set_requires_grad(true);
            let input = random(&[rows, width]) * 2.0 + 1.0;
            let (weight, bias, start) = (random(&[width]), random(&[width]), random(&[rows, width]));
            let leaves = [double(&input), double(&weight), double(&bias)];
            let expected = leaves[0].layer_norm([width], Some(&leaves[1]), Some(&leaves[2]), EPSILON, false);
            for (kind, tolerance) in [(Kind::Float, 2e-5), (Kind::BFloat16, 8e-3)] {
                let gradient = random(&[rows, width]).to_kind(kind);
                let sum = (&expected * gradient.to_kind(Kind::Double)).sum(Kind::Double);
                let slopes = Tensor::run_backward(&[sum], &[&leaves[0], &leaves[1], &leaves[2]], true, false);
                let normed = layer_norm(&input, (&weight, &bias), EPSILON as f32, kind).unwrap();
                prop_assert!(distance(&normed.output, &expected) < tolerance);
                let mut sum = start.copy();
                let received = layer_norm_backward(&gradient, &input, &normed.moments, &weight, &mut sum).unwrap();
                // Rows of two values have slopes that all but cancel.
                let scale = normed.moments.select(1, 1).max().double_value(&[]).max(1.0);
                prop_assert!(distance(&sum, &(&slopes[0] + &start)) < 2e-5 * scale);
                prop_assert!(distance(&received.weight, &slopes[1]) < 2e-5);
                prop_assert!(distance(&received.bias, &slopes[2]) < 2e-5);
            }
        }
    }
}
