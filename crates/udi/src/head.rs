//! The projection head (spec/method.md section 4): an MLP to a normalised bottleneck vector, and prototypes
//! that it is compared with.

use tch::{Device, Kind, Tensor, no_grad};
use torch_ext::{dot, empty_large, for_rows, without_cuda_kernels};

use crate::{
    config::HeadConfig,
    error::UdiError,
    layers::Linear,
    parameters::{Declarations, Initial, ParamId, Parameters, Role, Weights},
};

/// Smallest norm that a bottleneck vector is divided by.
const SMALLEST_NORM: f64 = 1e-12;

#[derive(Debug)]
pub(crate) struct Head {
    hidden: [(Linear, Option<BatchNorm>); 2],
    bottleneck: Linear,
    prototypes: Prototypes,
}

impl Head {
    /// Names are those of the public checkpoints, where the head is an `nn.Sequential` of numbered layers.
    pub fn declare(
        declarations: &mut Declarations,
        name: &str,
        width: i64,
        config: &HeadConfig,
    ) -> Self {
        let hidden_width = config.hidden_width;
        let layers = if config.batch_norm { 3 } else { 2 };
        let mut hidden = |index: i64, inputs: i64| {
            let at = |place: i64| format!("{name}.mlp.{place}");
            let first = index * layers;
            let linear = Linear::declare(declarations, &at(first), inputs, hidden_width);
            let norm = config
                .batch_norm
                .then(|| BatchNorm::declare(declarations, &at(first + 1), hidden_width));
            (linear, norm)
        };
        let hidden = [hidden(0, width), hidden(1, hidden_width)];
        let last = format!("{name}.mlp.{}", 2 * layers);
        Self {
            hidden,
            bottleneck: Linear::declare(declarations, &last, hidden_width, config.bottleneck_width),
            prototypes: Prototypes::declare(declarations, &format!("{name}.last_layer"), config),
        }
    }

    /// `[rows, C]` -> bottleneck vectors `[rows, K]` of norm 1, fp32. BatchNorm takes its statistics over these rows.
    pub fn forward(&self, weights: &Weights, input: &Tensor) -> Tensor {
        let mut rows = input.shallow_clone();
        for (linear, norm) in &self.hidden {
            rows = linear.forward(weights, &rows);
            if let Some(norm) = norm {
                rows = norm.forward(weights, &rows);
            }
            rows = rows.gelu("none");
        }
        let vectors = self.bottleneck.forward(weights, &rows).to_kind(Kind::Float);
        let norms = vectors.norm_scalaropt_dim(2, [-1].as_slice(), true);
        &vectors / norms.clamp_min(SMALLEST_NORM)
    }

    pub fn prototypes(&self) -> &Prototypes {
        &self.prototypes
    }
}

/// BatchNorm1d. Training always takes the statistics of the batch; the running ones are kept for export.
#[derive(Debug, Clone, Copy)]
struct BatchNorm {
    weight: ParamId,
    bias: ParamId,
    running_mean: ParamId,
    running_var: ParamId,
}

impl BatchNorm {
    fn declare(declarations: &mut Declarations, name: &str, width: i64) -> Self {
        let mut add = |part: &str, value, role| {
            let name = format!("{name}.{part}");
            declarations.add(&name, &[width], Initial::Constant(value), role)
        };
        Self {
            weight: add("weight", 1.0, Role::Plain),
            bias: add("bias", 0.0, Role::Plain),
            running_mean: add("running_mean", 0.0, Role::Buffer),
            running_var: add("running_var", 1.0, Role::Buffer),
        }
    }

    fn forward(&self, weights: &Weights, rows: &Tensor) -> Tensor {
        rows.to_kind(Kind::Float).batch_norm(
            Some(weights.get(self.weight)),
            Some(weights.get(self.bias)),
            Some(weights.get(self.running_mean)),
            Some(weights.get(self.running_var)),
            true,
            0.1,
            1e-5,
            true,
        )
    }
}

/// The weight-normalised last layer: D prototypes of K values, each a direction times a norm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prototypes {
    norms: ParamId,
    directions: ParamId,
    norms_frozen: bool,
}

impl Prototypes {
    fn declare(declarations: &mut Declarations, name: &str, config: &HeadConfig) -> Self {
        let (count, width) = (config.prototypes, config.bottleneck_width);
        // PyTorch's default for a linear layer: uniform within 1 / √inputs.
        let uniform = Initial::Uniform((width as f32).sqrt().recip());
        let mut add = |part: &str, width, initial| {
            let name = format!("{name}.{part}");
            declarations.add(&name, &[count, width], initial, Role::Prototype)
        };
        Self {
            norms: add("weight_g", 1, Initial::Constant(1.0)),
            directions: add("weight_v", width, uniform),
            norms_frozen: config.norm_last_layer,
        }
    }

    /// The matrix `[D, K]` that bottleneck vectors are multiplied with, fp32: each direction at its norm.
    pub fn matrix(&self, parameters: &Parameters) -> Result<Tensor, UdiError> {
        let directions = parameters.get(self.directions);
        let norms = parameters.get(self.norms);
        match directions.device() {
            Device::Cpu => {}
            device if without_cuda_kernels(device).is_none() => {
                return Ok(torch_ext::prototypes(directions, norms)?);
            }
            _ => return Ok(no_grad(|| directions * (norms / row_norms(directions)))),
        }
        let mut matrix = empty_large(&directions.size(), Kind::Float, Device::Cpu);
        for_rows(
            [&mut matrix],
            [directions, norms],
            |_, [row], [direction, norm]| {
                let scale = norm[0] / dot(direction, direction).sqrt();
                for (value, direction) in row.iter_mut().zip(direction) {
                    *value = direction * scale;
                }
            },
        )?;
        Ok(matrix)
    }

    /// Gradients of directions and, unless they are frozen, norms from that of [`Self::matrix`], which is used up.
    pub fn gradients(
        &self,
        parameters: &Parameters,
        matrix_gradient: Tensor,
    ) -> Result<Vec<(ParamId, Tensor)>, UdiError> {
        let directions = parameters.get(self.directions);
        let norms = parameters.get(self.norms);
        let (across, along) = match directions.device() {
            Device::Cpu => unnormed(directions, norms, matrix_gradient)?,
            device if without_cuda_kernels(device).is_none() => {
                let mut across = matrix_gradient;
                let along = torch_ext::prototype_gradients(directions, norms, &mut across)?;
                (across, along)
            }
            _ => no_grad(|| unnormed_tensors(directions, norms, &matrix_gradient)),
        };
        let mut gradients = vec![(self.directions, across)];
        if !self.norms_frozen {
            gradients.push((self.norms, along));
        }
        Ok(gradients)
    }

    /// Parameters that are never trained: norms frozen at 1.
    pub fn untrained(&self) -> Vec<ParamId> {
        self.norms_frozen
            .then_some(self.norms)
            .into_iter()
            .collect()
    }

    /// The parameters that `freeze_last_layer` leaves alone.
    pub fn parameters(&self) -> [ParamId; 2] {
        [self.norms, self.directions]
    }
}

/// Gradients of the directions `[D, K]` and the norms `[D, 1]`, a row at a time, in the memory of the matrix's gradient.
fn unnormed(
    directions: &Tensor,
    norms: &Tensor,
    mut matrix_gradient: Tensor,
) -> Result<(Tensor, Tensor), UdiError> {
    let mut along = norms.zeros_like();
    for_rows(
        [&mut matrix_gradient, &mut along],
        [directions, norms],
        |_, [row, along], [direction, norm]| {
            let length = dot(direction, direction).sqrt();
            along[0] = dot(row, direction) / length;
            let (scale, part) = (norm[0] / length, along[0] / length);
            for (value, direction) in row.iter_mut().zip(direction) {
                *value = (*value - direction * part) * scale;
            }
        },
    )?;
    Ok((matrix_gradient, along))
}

/// The same on tensors.
fn unnormed_tensors(
    directions: &Tensor,
    norms: &Tensor,
    matrix_gradient: &Tensor,
) -> (Tensor, Tensor) {
    let lengths = row_norms(directions);
    let units = directions / &lengths;
    let along = (matrix_gradient * &units).sum_dim_intlist(-1, true, Kind::Float);
    let across = (matrix_gradient - units * &along) * (norms / lengths);
    (across, along)
}

/// `[D, K]` -> `[D, 1]`
fn row_norms(matrix: &Tensor) -> Tensor {
    matrix.norm_scalaropt_dim(2, [-1].as_slice(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> HeadConfig {
        HeadConfig {
            prototypes: 37,
            hidden_width: 8,
            bottleneck_width: 19,
            batch_norm: false,
            norm_last_layer: false,
        }
    }

    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).abs().max().double_value(&[])
    }

    #[test]
    fn prototypes_and_their_gradients_are_those_of_autograd() {
        let mut declarations = Declarations::default();
        let prototypes = Prototypes::declare(&mut declarations, "last", &config());
        let mut parameters = Parameters::initial(&declarations.into_vec(), 3, Device::Cpu);
        let _ = parameters.tensors_mut()[0].g_mul_scalar_(1.7);
        let leaf = |tensor: &Tensor| tensor.detach().set_requires_grad(true);
        let norms = leaf(parameters.get(prototypes.norms));
        let directions = leaf(parameters.get(prototypes.directions));
        let plain = &directions * (&norms / row_norms(&directions));
        assert!(distance(&prototypes.matrix(&parameters).unwrap(), &plain) < 1e-6);

        let gradient = plain.randn_like().detach();
        let sum = (plain * &gradient).sum(Kind::Float);
        let expected = Tensor::run_backward(&[sum], &[&directions, &norms], false, false);
        let tensors = no_grad(|| unnormed_tensors(&directions, &norms, &gradient));
        let rows = prototypes.gradients(&parameters, gradient.copy()).unwrap();
        for (place, of_tensors) in [&tensors.0, &tensors.1].into_iter().enumerate() {
            assert!(distance(&rows[place].1, &expected[place]) < 1e-5);
            assert!(distance(of_tensors, &expected[place]) < 1e-5);
        }
    }
}
