//! The parameters of a network: declared once by its layers, held by student and teacher alike.
//!
//! Layers keep [`ParamId`]s, not tensors, so that one architecture serves both networks, and a forward
//! pass reads [`Weights`]: the same tensors, those of matrix products in the precision of the pass.

use rand_distr::{Distribution, StandardNormal, Uniform};
use tch::{Device, Kind, TchError, Tensor};

use crate::random::{Purpose, stream};

/// Place of a parameter in its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParamId(usize);

/// How a parameter starts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Initial {
    /// Every value the same.
    Constant(f32),
    /// Normal with this deviation, drawn again where it leaves [-2, 2].
    TruncatedNormal(f32),
    /// Uniform in (-bound, bound).
    Uniform(f32),
}

/// What becomes of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Operand of a matrix product: read in the precision of the pass.
    Product,
    /// Read in fp32.
    Plain,
    /// Read in fp32; its gradient is written by hand, not by autograd.
    Prototype,
    /// Neither trained nor averaged.
    Buffer,
}

/// A parameter before it has a value.
#[derive(Debug, Clone)]
pub(crate) struct Declaration {
    /// Name in the public checkpoints, without the network's prefix.
    pub name: String,
    pub shape: Vec<i64>,
    pub initial: Initial,
    pub role: Role,
}

/// Collects the declarations of a network in the order of the public checkpoints.
#[derive(Debug, Default)]
pub(crate) struct Declarations(Vec<Declaration>);

impl Declarations {
    pub fn add(&mut self, name: &str, shape: &[i64], initial: Initial, role: Role) -> ParamId {
        self.0.push(Declaration {
            name: name.to_owned(),
            shape: shape.to_vec(),
            initial,
            role,
        });
        ParamId(self.0.len() - 1)
    }

    pub fn into_vec(self) -> Vec<Declaration> {
        self.0
    }
}

/// The values of a network's parameters: fp32, in the order of their declarations.
#[derive(Debug)]
pub(crate) struct Parameters(Vec<Tensor>);

impl Parameters {
    /// Initial values: a function of the seed and the place of the parameter.
    pub fn initial(declarations: &[Declaration], seed: u64, device: Device) -> Self {
        let tensors = declarations.iter().enumerate().map(|(index, declaration)| {
            let values = draw(declaration, seed, index as u64);
            Tensor::from_slice(&values)
                .view(declaration.shape.as_slice())
                .to_device(device)
        });
        Self(tensors.collect())
    }

    /// Values from elsewhere, in the order of the declarations that they fit.
    pub fn given(values: Vec<Tensor>) -> Self {
        Self(values)
    }

    /// A copy that shares no memory.
    pub fn deep_copy(&self) -> Self {
        Self(self.0.iter().map(Tensor::copy).collect())
    }

    /// Values as a pass without gradient reads them.
    pub fn weights(&self, declarations: &[Declaration], kind: Kind) -> Result<Weights, TchError> {
        let is_operand =
            |declaration: &Declaration| declaration.role == Role::Product && kind != Kind::Float;
        let each = self.0.iter().zip(declarations);
        let operands: Vec<&Tensor> = each
            .filter(|(_, declaration)| is_operand(declaration))
            .map(|(tensor, _)| tensor)
            .collect();
        let mut converted = torch_ext::foreach_convert(&operands, kind)?.into_iter();
        let read = |(tensor, declaration): (&Tensor, &Declaration)| {
            let operand = is_operand(declaration).then(|| converted.next());
            operand.flatten().unwrap_or_else(|| tensor.shallow_clone())
        };
        Ok(Weights {
            tensors: self.0.iter().zip(declarations).map(read).collect(),
            kind,
        })
    }

    /// The same as leaves of a graph: autograd computes the gradients of those that are trained by it.
    pub fn leaves(&self, declarations: &[Declaration], kind: Kind) -> Result<Weights, TchError> {
        let mut weights = self.weights(declarations, kind)?;
        for (tensor, declaration) in weights.tensors.iter_mut().zip(declarations) {
            let learns = matches!(declaration.role, Role::Product | Role::Plain);
            *tensor = tensor.detach().set_requires_grad(learns);
        }
        Ok(weights)
    }

    /// Where they are.
    pub fn device(&self) -> Device {
        self.0.first().map_or(Device::Cpu, Tensor::device)
    }

    pub fn get(&self, id: ParamId) -> &Tensor {
        &self.0[id.0]
    }

    pub fn tensors(&self) -> &[Tensor] {
        &self.0
    }

    pub fn tensors_mut(&mut self) -> &mut [Tensor] {
        &mut self.0
    }
}

/// Values of all parameters as one forward pass reads them.
#[derive(Debug)]
pub(crate) struct Weights {
    tensors: Vec<Tensor>,
    kind: Kind,
}

impl Weights {
    pub fn get(&self, id: ParamId) -> &Tensor {
        &self.tensors[id.0]
    }

    /// In the order of their declarations.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Kind of the operands of matrix products.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The same with copies of the buffers: a pass then moves these, not the network's.
    pub fn with_own_buffers(mut self, declarations: &[Declaration]) -> Self {
        for (tensor, declaration) in self.tensors.iter_mut().zip(declarations) {
            if declaration.role == Role::Buffer {
                *tensor = tensor.copy();
            }
        }
        self
    }
}

/// Place of a parameter, for tables kept beside [`Parameters`].
impl From<ParamId> for usize {
    fn from(id: ParamId) -> Self {
        id.0
    }
}

fn draw(declaration: &Declaration, seed: u64, index: u64) -> Vec<f32> {
    let count = declaration.shape.iter().product::<i64>() as usize;
    let mut generator = stream(seed, Purpose::Initialisation, index);
    match declaration.initial {
        Initial::Constant(value) => vec![value; count],
        Initial::TruncatedNormal(deviation) => {
            let normal = StandardNormal
                .sample_iter(generator)
                .map(|value: f32| value * deviation);
            normal
                .filter(|value| value.abs() <= 2.0)
                .take(count)
                .collect()
        }
        Initial::Uniform(bound) => match Uniform::new(-bound, bound) {
            Ok(uniform) => uniform.sample_iter(&mut generator).take(count).collect(),
            Err(_) => vec![0.0; count],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(initial: Initial) -> Vec<Declaration> {
        let mut declarations = Declarations::default();
        declarations.add("first", &[100, 200], initial, Role::Product);
        declarations.add("second", &[100, 200], initial, Role::Plain);
        declarations.into_vec()
    }

    #[test]
    fn a_truncated_normal_has_its_deviation_and_no_mean() {
        let declarations = declared(Initial::TruncatedNormal(0.02));
        let parameters = Parameters::initial(&declarations, 3, Device::Cpu);
        let values = &parameters.tensors()[0];
        let mean = values.mean(Kind::Double).double_value(&[]);
        let deviation = values.std(true).double_value(&[]);
        assert!(mean.abs() < 5e-4, "{mean}");
        assert!((deviation - 0.02).abs() < 5e-4, "{deviation}");
    }

    #[test]
    fn a_wide_normal_is_cut_at_two() {
        let parameters =
            Parameters::initial(&declared(Initial::TruncatedNormal(1.5)), 3, Device::Cpu);
        let largest = parameters.tensors()[0].abs().max().double_value(&[]);
        assert!(largest <= 2.0 && largest > 1.9, "{largest}");
    }

    #[test]
    fn parameters_differ_from_each_other_and_by_seed_but_not_from_call_to_call() {
        let declarations = declared(Initial::Uniform(0.1));
        let make = |seed| Parameters::initial(&declarations, seed, Device::Cpu);
        let (first, again, other) = (make(3), make(3), make(4));
        assert_eq!(first.tensors()[0], again.tensors()[0]);
        assert_ne!(first.tensors()[0], first.tensors()[1]);
        assert_ne!(first.tensors()[0], other.tensors()[0]);
        let bound = first.tensors()[0].abs().max().double_value(&[]);
        assert!(bound <= 0.1 && bound > 0.099, "{bound}");
    }

    #[test]
    fn only_operands_of_products_change_their_kind() {
        let declarations = declared(Initial::Constant(1.0));
        let parameters = Parameters::initial(&declarations, 0, Device::Cpu);
        let weights = parameters.weights(&declarations, Kind::BFloat16).unwrap();
        let kinds: Vec<_> = (0..2)
            .map(|index| weights.get(ParamId(index)).kind())
            .collect();
        assert_eq!(kinds, [Kind::BFloat16, Kind::Float]);
    }
}
