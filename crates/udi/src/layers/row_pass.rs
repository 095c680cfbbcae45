//! Operations on whole rows that stand between the matrix products of a block, and their gradients by hand.
//!
//! On the CPU and on CUDA devices each goes over memory once. Elsewhere, and in fp16 on the CPU, libtorch's operations do the
//! same; the tests hold the two against each other. Rows of the residual stream are fp32; those of branches are in the kind of
//! the products.

use tch::{Device, Kind, Tensor};
use torch_ext::{BranchGradient, GeluBackward, NormGradients, Normed, without_cuda_kernels};

use crate::error::UdiError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowPass {
    /// Kernels of our own, which see a row at a time.
    Rows,
    /// All rows at once, on tensors.
    Tensors,
}

/// Weight and bias of a layer normalisation, and what is added to the variance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Norm<'a> {
    pub weight: &'a Tensor,
    pub bias: &'a Tensor,
    pub epsilon: f64,
}

impl RowPass {
    /// For products of this kind on this device.
    pub fn on(device: Device, kind: Kind) -> Self {
        match (device, kind) {
            (Device::Cpu, Kind::Float | Kind::BFloat16) => Self::Rows,
            (Device::Cuda(_), _) if without_cuda_kernels(device).is_none() => Self::Rows,
            _ => Self::Tensors,
        }
    }

    /// Normalises rows `[rows, C]`, fp32, for products of this kind.
    pub fn layer_norm(self, input: &Tensor, norm: Norm, kind: Kind) -> Result<Normed, UdiError> {
        let affine = (norm.weight, norm.bias);
        match self {
            Self::Rows => Ok(torch_ext::layer_norm(
                input,
                affine,
                norm.epsilon as f32,
                kind,
            )?),
            Self::Tensors => {
                let width = input.size()[1];
                let (output, mean, scale) = input.native_layer_norm(
                    [width],
                    Some(norm.weight),
                    Some(norm.bias),
                    norm.epsilon,
                );
                Ok(Normed {
                    output: output.to_kind(kind),
                    moments: Tensor::cat(&[mean, scale], 1),
                })
            }
        }
    }

    /// Adds the gradient of the input to `sum`; `gradient` is that of the output.
    pub fn layer_norm_backward(
        self,
        gradient: &Tensor,
        (input, moments): (&Tensor, &Tensor),
        norm: Norm,
        sum: &mut Tensor,
    ) -> Result<NormGradients, UdiError> {
        match self {
            Self::Rows => {
                let weight = norm.weight;
                Ok(torch_ext::layer_norm_backward(
                    gradient, input, moments, weight, sum,
                )?)
            }
            Self::Tensors => {
                let gradient = gradient.to_kind(Kind::Float);
                let (mean, scale) = (moments.narrow(1, 0, 1), moments.narrow(1, 1, 1));
                let unit = (input - mean) * &scale;
                let slope = &gradient * norm.weight;
                let along = row_means(&(&slope * &unit));
                let _ = sum.g_add_(&((&slope - row_means(&slope) - &unit * along) * scale));
                Ok(NormGradients {
                    weight: columns(&(&gradient * unit)),
                    bias: columns(&gradient),
                })
            }
        }
    }

    /// The same, and then [`Self::branch_gradient`] of the sum in the gradient's kind.
    pub fn layer_norm_backward_to_branch(
        self,
        gradient: &Tensor,
        (input, moments): (&Tensor, &Tensor),
        norm: Norm,
        (sum, factors): (&mut Tensor, Option<&Tensor>),
    ) -> Result<(NormGradients, BranchGradient), UdiError> {
        if self == Self::Rows {
            let (input, weight) = ((input, moments), norm.weight);
            return Ok(torch_ext::layer_norm_backward_to_branch(
                gradient, input, weight, sum, factors,
            )?);
        }
        let gradients = self.layer_norm_backward(gradient, (input, moments), norm, sum)?;
        let branch = self.branch_gradient(sum, factors, gradient.kind())?;
        Ok((gradients, branch))
    }

    /// GELU of every value.
    pub fn gelu(self, input: &Tensor) -> Result<Tensor, UdiError> {
        match self {
            Self::Rows => Ok(torch_ext::gelu(input)?),
            Self::Tensors => Ok(input.gelu("none")),
        }
    }

    /// `gradient`, that of gelu(input), becomes that of the input.
    pub fn gelu_backward(
        self,
        input: &Tensor,
        gradient: &mut Tensor,
    ) -> Result<GeluBackward, UdiError> {
        match self {
            Self::Rows => Ok(torch_ext::gelu_backward(input, gradient)?),
            Self::Tensors => {
                gradient.copy_(&input.gelu_backward(gradient, "none"));
                Ok(GeluBackward {
                    activated: input.gelu("none"),
                    sums: columns(gradient),
                })
            }
        }
    }

    /// [`Self::add_branch`], and its result normalised for products of the branch's kind where there is a norm.
    pub fn add_branch_and_norm(
        self,
        tokens: &Tensor,
        (output, factors): (&Tensor, Option<&Tensor>),
        norm: Option<Norm>,
    ) -> Result<(Tensor, Option<Normed>), UdiError> {
        if self == Self::Rows {
            let norm = norm.map(|norm| (norm.weight, norm.bias, norm.epsilon as f32));
            return Ok(torch_ext::add_branch_and_norm(
                tokens,
                (output, factors),
                norm,
            )?);
        }
        let sum = self.add_branch(tokens, output, factors)?;
        let normed = norm.map(|norm| self.layer_norm(&sum, norm, output.kind()));
        let normed = normed.transpose()?;
        Ok((sum, normed))
    }

    /// tokens + factor · output, in new memory; `factors` is `[rows]`, None: all are 1.
    pub fn add_branch(
        self,
        tokens: &Tensor,
        output: &Tensor,
        factors: Option<&Tensor>,
    ) -> Result<Tensor, UdiError> {
        match (self, factors) {
            (Self::Rows, _) => Ok(torch_ext::add_branch(tokens, output, factors)?),
            (Self::Tensors, None) => Ok(tokens + output),
            (Self::Tensors, Some(factors)) => {
                let output = output.to_kind(Kind::Float);
                Ok(tokens.addcmul(&output, &factors.unsqueeze(1)))
            }
        }
    }

    /// factor · gradient in this kind, and the sum of its rows.
    pub fn branch_gradient(
        self,
        gradient: &Tensor,
        factors: Option<&Tensor>,
        kind: Kind,
    ) -> Result<BranchGradient, UdiError> {
        match self {
            Self::Rows => Ok(torch_ext::branch_gradient(gradient, factors, kind)?),
            Self::Tensors => {
                let output = match factors {
                    None => gradient.to_kind(kind),
                    Some(factors) => (gradient * factors.unsqueeze(1)).to_kind(kind),
                };
                let sums = columns(&output);
                Ok(BranchGradient { output, sums })
            }
        }
    }

    /// Writes three matrices `[rows, C]` beside each other into `[rows, 3 C]`: the sums of the rows of that, `[3 C]`, fp32.
    pub fn join_columns(
        self,
        parts: [&Tensor; 3],
        joined: &mut Tensor,
    ) -> Result<Tensor, UdiError> {
        if self == Self::Rows {
            return Ok(torch_ext::join_columns(parts, joined)?);
        }
        joined.copy_(&Tensor::cat(&parts, 1));
        self.column_sums(joined)
    }

    /// Writes tokens `[images T, C]`, fp32, to `output`: `table` `[T, C]`, fp32, is that of every image, to whose rows behind the
    /// first `prefix` the products of its patches are added, `[images (T - prefix), C]`.
    pub fn embed(
        self,
        products: &Tensor,
        (table, prefix): (&Tensor, i64),
        output: &mut Tensor,
    ) -> Result<(), UdiError> {
        if self == Self::Rows && output.device() != Device::Cpu {
            return Ok(torch_ext::embed(products, table, prefix, output)?);
        }
        let (tokens, width) = (table.size()[0], table.size()[1]);
        let patches = tokens - prefix;
        let images = output.view([-1, tokens, width]);
        let mut first = images.narrow(1, 0, prefix);
        let behind = images.narrow(1, prefix, patches);
        first.copy_(&table.narrow(0, 0, prefix));
        let products = products.view([-1, patches, width]);
        let _ = products.add_out(&behind, &table.narrow(0, prefix, patches));
        Ok(())
    }

    /// The gradient of [`Self::embed`]'s products in this kind, from that of the tokens `[images T, C]`.
    pub fn patch_gradient(
        self,
        gradient: &Tensor,
        (prefix, tokens): (i64, i64),
        kind: Kind,
    ) -> Result<BranchGradient, UdiError> {
        if self == Self::Rows && gradient.device() != Device::Cpu {
            return Ok(torch_ext::patch_gradient(gradient, (prefix, tokens), kind)?);
        }
        let width = gradient.size()[1];
        let images = gradient.view([-1, tokens, width]);
        let patches = images.narrow(1, prefix, tokens - prefix);
        self.branch_gradient(&patches.reshape([-1, width]), None, kind)
    }

    /// `[rows, C]` -> `[C]`, fp32.
    pub fn column_sums(self, rows: &Tensor) -> Result<Tensor, UdiError> {
        match self {
            Self::Rows => Ok(torch_ext::column_sums(rows)?),
            Self::Tensors => Ok(columns(rows)),
        }
    }
}

fn columns(rows: &Tensor) -> Tensor {
    rows.sum_dim_intlist([0].as_slice(), false, Kind::Float)
}

fn row_means(rows: &Tensor) -> Tensor {
    rows.mean_dim([1].as_slice(), true, Kind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

    /// Largest difference as a share of the largest value.
    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        let (a, b) = (a.to_kind(Kind::Float), b.to_kind(Kind::Float));
        let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
        largest(&(a - &b)) / largest(&b).max(1e-2)
    }

    struct Problem {
        kind: Kind,
        tokens: Tensor,
        factors: Tensor,
        weight: Tensor,
        bias: Tensor,
        gradient: Tensor,
    }

    impl Problem {
        fn new(rows: i64, width: i64, kind: Kind) -> Self {
            let random = |shape: &[i64]| Tensor::randn(shape, CPU);
            Self {
                kind,
                tokens: random(&[rows, width]),
                factors: random(&[rows]),
                weight: random(&[width]),
                bias: random(&[width]),
                gradient: random(&[rows, width]).to_kind(kind),
            }
        }

        /// Everything that a form computes.
        fn all(&self, form: RowPass) -> Vec<Tensor> {
            let Self {
                kind,
                tokens,
                factors,
                gradient,
                ..
            } = self;
            let norm = Norm {
                weight: &self.weight,
                bias: &self.bias,
                epsilon: 1e-6,
            };
            let normed = form.layer_norm(tokens, norm, *kind).unwrap();
            let (mut sum, mut slope) = (tokens.copy(), gradient.copy());
            let of_norm = form
                .layer_norm_backward(gradient, (tokens, &normed.moments), norm, &mut sum)
                .unwrap();
            let of_gelu = form.gelu_backward(gradient, &mut slope).unwrap();
            let branch = form.branch_gradient(tokens, Some(factors), *kind).unwrap();
            vec![
                form.gelu(gradient).unwrap(),
                form.add_branch(tokens, gradient, Some(factors)).unwrap(),
                form.add_branch(tokens, gradient, None).unwrap(),
                form.branch_gradient(tokens, None, *kind).unwrap().output,
                form.column_sums(gradient).unwrap(),
                normed.output,
                normed.moments,
                sum,
                of_norm.weight,
                of_norm.bias,
                slope,
                of_gelu.activated,
                of_gelu.sums,
                branch.output,
                branch.sums,
            ]
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn both_forms_compute_the_same(rows in 1..60i64, width in 4..300i64) {
            for (kind, tolerance) in [(Kind::Float, 1e-4), (Kind::BFloat16, 3e-2)] {
                let problem = Problem::new(rows, width, kind);
                let by_tensors = problem.all(RowPass::Tensors);
                let pairs = problem.all(RowPass::Rows).into_iter().zip(by_tensors);
                for (place, (by_rows, by_tensors)) in pairs.enumerate() {
                    let distance = distance(&by_rows, &by_tensors);
                    prop_assert!(distance < tolerance, "{kind:?} {place}: {distance}");
                }
            }
        }
    }
}
