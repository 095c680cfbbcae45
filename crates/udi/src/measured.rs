//! The numbers of a step's backward pass: on the device, and as the host reads them.

use tch::{Device, Kind, Tensor, no_grad};

use crate::{
    backward::Backward,
    error::UdiError,
    objective::Term,
    optim::{Veto, clip_factors, norms},
};

/// Terms and gradient norms of a backward pass, on the device.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Terms, then the norms of the gradients that are there, of the loss times its scale: fp64.
    values: Tensor,
    pub layout: Layout,
}

/// What the values of a [`Measured`] belong to.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    terms: Vec<Term>,
    /// Which parameters have a gradient, in their order.
    present: Vec<bool>,
    /// The gradients are multiplied by it.
    loss_scale: f64,
}

/// The same numbers on the host.
#[derive(Debug)]
pub(crate) struct Numbers {
    pub terms: Vec<(Term, f64)>,
    /// L2 norm of each parameter's gradient, the loss scale taken out; 0 where there is none.
    pub norms: Vec<f64>,
}

impl Measured {
    pub fn of(backward: &Backward, device: Device, loss_scale: f64) -> Result<Self, UdiError> {
        let (terms, sums): (Vec<Term>, Vec<&Tensor>) = backward
            .terms
            .iter()
            .map(|(term, value)| (*term, value))
            .unzip();
        let gradients = &backward.gradients;
        let values = no_grad(|| {
            let parts = [Tensor::stack(&sums, 0), norms(gradients, device)?];
            let parts = parts.map(|part| part.to_kind(Kind::Double));
            Ok::<_, UdiError>(Tensor::cat(&parts, 0))
        })?;
        let present = gradients.iter().map(Option::is_some).collect();
        let layout = Layout {
            terms,
            present,
            loss_scale,
        };
        Ok(Self { values, layout })
    }

    /// All of them.
    pub fn values(&self) -> &Tensor {
        &self.values
    }

    /// What the device forbids by these numbers. `gradients_may_overflow`: the student alone keeps its weights where they do.
    pub fn veto(&self, halted: &Tensor, gradients_may_overflow: bool) -> Veto {
        let overflow = self.norms().isfinite().all().logical_not();
        let lost = self.terms().isfinite().all().logical_not();
        let everything = lost.logical_or(halted);
        let student = everything.logical_or(&overflow);
        Veto {
            everything: match gradients_may_overflow {
                true => everything,
                false => student.shallow_clone(),
            },
            student,
        }
    }

    /// What each parameter's gradient is multiplied by so that its norm, the loss scale taken out, is at most `limit`.
    pub fn factors(&self, limit: f64) -> Vec<Option<Tensor>> {
        let factors = clip_factors(&self.norms(), limit, self.layout.loss_scale);
        let mut factors = factors.unbind(0).into_iter();
        let present = self.layout.present.iter();
        present
            .map(|&present| if present { factors.next() } else { None })
            .collect()
    }

    fn terms(&self) -> Tensor {
        let terms = self.layout.terms.len() as i64;
        self.values.narrow(0, 0, terms)
    }

    fn norms(&self) -> Tensor {
        let terms = self.layout.terms.len() as i64;
        self.values.narrow(0, terms, self.values.size()[0] - terms)
    }
}

impl Numbers {
    /// In one transfer, where the values are not on the host yet.
    pub fn read(values: &Tensor, layout: &Layout) -> Result<Self, UdiError> {
        let mut values = Vec::<f64>::try_from(values)?;
        let mut norms = values.split_off(layout.terms.len()).into_iter();
        let of_parameter = |&present: &bool| match present {
            true => norms.next().unwrap_or(f64::NAN) / layout.loss_scale,
            false => 0.0,
        };
        Ok(Self {
            norms: layout.present.iter().map(of_parameter).collect(),
            terms: layout.terms.iter().copied().zip(values).collect(),
        })
    }

    /// L2 norm of all gradients together.
    pub fn gradient_norm(&self) -> f64 {
        let squares = self.norms.iter().map(|norm| norm * norm);
        squares.sum::<f64>().sqrt()
    }

    /// Whether a gradient is not finite.
    pub fn overflowed(&self) -> bool {
        !self.gradient_norm().is_finite()
    }

    /// The first number that stops the run. Gradients may overflow where the loss scale adapts to it.
    pub fn non_finite(&self, gradients_may_overflow: bool) -> Option<(&'static str, f64)> {
        let terms = self.terms.iter().map(|(term, value)| (term.name(), *value));
        let gradient = Some(("the gradient norm", self.gradient_norm()));
        terms
            .chain(gradient.filter(|_| !gradients_may_overflow))
            .find(|(_, value)| !value.is_finite())
    }
}
