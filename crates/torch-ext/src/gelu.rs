//! GELU in its exact form, x Φ(x), and its gradient, each in one pass over memory.

use tch::{Device, Tensor};

use crate::{
    column_sums::{Sums, add},
    cuda,
    element::{Bf16, Element},
    exp::exp,
    lent,
    parallel::parallel,
    row_parts::Shape,
    rows::RowsError,
    vector::{Kernel, vectorised},
};

/// What [`gelu_backward`] gives beside the gradient.
#[derive(Debug)]
pub struct GeluBackward {
    /// gelu(input), of the same shape and kind.
    pub activated: Tensor,
    /// Sum of the rows of the gradient, `[width]`, fp32: that of a bias added before.
    pub sums: Tensor,
}

/// gelu of every value of a matrix of fp32 or bf16, on a CUDA device fp16 too, in a new one.
pub fn gelu(input: &Tensor) -> Result<Tensor, RowsError> {
    if input.device().is_cuda() {
        return cuda::gelu(input);
    }
    match input.kind() {
        Bf16::KIND => forward::<Bf16>(input),
        _ => forward::<f32>(input),
    }
}

/// `gradient`, that of gelu(input), becomes that of the input. Both are matrices of one kind, fp32 or bf16, on a CUDA device fp16 too.
pub fn gelu_backward(input: &Tensor, gradient: &mut Tensor) -> Result<GeluBackward, RowsError> {
    if input.device().is_cuda() {
        return cuda::gelu_backward(input, gradient);
    }
    match input.kind() {
        Bf16::KIND => backward::<Bf16>(input, gradient),
        _ => backward::<f32>(input, gradient),
    }
}

fn forward<T: Element>(input: &Tensor) -> Result<Tensor, RowsError> {
    let shape = Shape::of(input)?;
    let mut output = Tensor::empty(input.size(), (T::KIND, Device::Cpu));
    let inputs = shape.cut::<T>(input, shape.width)?;
    // SAFETY: it is new.
    let outputs = unsafe { shape.cut_mut::<T>(&mut output, shape.width)? };
    parallel(inputs.zip(outputs).collect(), |(input, output)| {
        vectorised(Forward { input, output });
    });
    Ok(output)
}

fn backward<T: Element>(input: &Tensor, gradient: &mut Tensor) -> Result<GeluBackward, RowsError> {
    let shape = Shape::of(input)?;
    let mut activated = Tensor::empty(input.size(), (T::KIND, Device::Cpu));
    let mut sums = Sums::zeros(shape);
    lent::apart(gradient, &[input])?;
    let inputs = shape.cut::<T>(input, shape.width)?;
    // SAFETY: the one is apart from the input, the other new.
    let outputs = unsafe {
        let gradients = shape.cut_mut::<T>(gradient, shape.width)?;
        gradients.zip(shape.cut_mut::<T>(&mut activated, shape.width)?)
    };
    let parts = inputs.zip(outputs).zip(sums.parts());
    parallel(parts.collect(), |((input, (gradient, activated)), sums)| {
        vectorised(Backward {
            input,
            gradient,
            activated,
            sums,
            width: shape.width,
        });
    });
    let sums = sums.total();
    Ok(GeluBackward { activated, sums })
}

struct Forward<'a, T> {
    input: &'a [T],
    output: &'a mut [T],
}

impl<T: Element> Kernel for Forward<'_, T> {
    #[inline(always)]
    fn run(self) {
        for (output, input) in self.output.iter_mut().zip(self.input) {
            let x = input.read();
            *output = T::of(x * normal(x).0);
        }
    }
}

struct Backward<'a, T> {
    input: &'a [T],
    gradient: &'a mut [T],
    activated: &'a mut [T],
    sums: &'a mut [f32],
    width: usize,
}

impl<T: Element> Kernel for Backward<'_, T> {
    #[inline(always)]
    fn run(self) {
        let rows = self.input.chunks_exact(self.width);
        let rows = rows.zip(self.gradient.chunks_exact_mut(self.width));
        let rows = rows.zip(self.activated.chunks_exact_mut(self.width));
        for ((input, gradient), activated) in rows {
            let values = input.iter().zip(gradient.iter_mut()).zip(activated);
            for ((input, gradient), activated) in values {
                let x = input.read();
                let (cumulative, density) = normal(x);
                *activated = T::of(x * cumulative);
                *gradient = T::of(gradient.read() * (cumulative + x * density));
            }
            add(self.sums, gradient);
        }
    }
}

/// Cumulative distribution, right to 1e-7, and density of the standard normal distribution.
#[inline(always)]
fn normal(x: f32) -> (f32, f32) {
    const HALF_ROOT: f32 = std::f32::consts::FRAC_1_SQRT_2;
    /// 1 / √(2π)
    const PEAK: f32 = 0.398_942_3;
    // Formula 7.1.26 of Abramowitz and Stegun, for the tail beyond |x|.
    let t = 1.0 / (1.0 + 0.327_591_1 * HALF_ROOT * x.abs());
    let mut polynomial = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        polynomial = polynomial * t + coefficient;
    }
    let power = exp(-0.5 * x * x);
    let tail = 0.5 * polynomial * t * power;
    let cumulative = if x >= 0.0 { 1.0 - tail } else { tail };
    (cumulative, PEAK * power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tch::Kind;

    fn random(rows: i64, width: i64, kind: Kind) -> Tensor {
        (Tensor::randn([rows, width], (Kind::Float, Device::Cpu)) * 3.0).to_kind(kind)
    }

    /// Largest difference as a share of the largest value.
    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        let (a, b) = (a.to_kind(Kind::Double), b.to_kind(Kind::Double));
        let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
        largest(&(a - &b)) / largest(&b).max(1e-3)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn value_gradient_and_sums_are_those_of_autograd(rows in 1..90i64, width in 1..400i64, seed in 0..100i64) {
            tch::manual_seed(seed);
            for (kind, tolerance) in [(Kind::Float, 1e-6), (Kind::BFloat16, 8e-3)] {
                let (input, gradient) = (random(rows, width, kind), random(rows, width, kind));
                let leaf = input.to_kind(Kind::Double).set_requires_grad(true);
                let expected = leaf.gelu("none");
                let sum = (&expected * gradient.to_kind(Kind::Double)).sum(Kind::Double);
                let slope = Tensor::run_backward(&[sum], &[&leaf], false, false).remove(0);
                prop_assert!(distance(&gelu(&input).unwrap(), &expected) < tolerance);
                let mut received = gradient.copy();
                let backward = gelu_backward(&input, &mut received).unwrap();
                prop_assert!(distance(&received, &slope) < tolerance);
                prop_assert!(distance(&backward.activated, &expected) < tolerance);
                let sums = received.to_kind(Kind::Double).sum_dim_intlist([0].as_slice(), false, Kind::Double);
                prop_assert!(distance(&backward.sums, &sums) < 1e-4);
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        let input = Tensor::from_slice(&[f32::NAN, f32::INFINITY, -1e30]).view([1, 3]);
        let output = Vec::<f32>::try_from(gelu(&input).unwrap().view([3])).unwrap();
        assert!(output[0].is_nan() && output[1] == f32::INFINITY && output[2] == 0.0);
    }

    #[test]
    fn a_gradient_in_the_memory_of_the_input_is_refused() {
        let input = random(3, 4, Kind::Float);
        let mut same = input.shallow_clone();
        assert_eq!(
            gelu_backward(&input, &mut same).unwrap_err(),
            RowsError::Overlap
        );
    }
}
