//! Many linear classifiers trained at once on rows of frozen features (spec/evaluation.md section 2).
//!
//! A row holds the features of one image side by side; each candidate sees some columns of it and has a learning rate of its
//! own. Candidates of the same columns are one matrix product, and none of them notices the others.

mod config;
mod stack;
mod state;
#[cfg(test)]
mod tests;

use std::path::Path;

use tch::{Kind, Tensor, no_grad};
use weight_file::Written;

pub use self::config::{LabelledRows, ProbeCandidate, ProbeConfig};
use self::{config::check_rates, stack::Stack};
use crate::{error::UdiError, guard::guard};

/// Linear classifiers with their momenta.
#[derive(Debug)]
pub struct Probe {
    config: ProbeConfig,
    stacks: Vec<Stack>,
    /// Steps made.
    steps: i64,
}

/// Logits held at once.
const CHUNK_VALUES: i64 = 1 << 24;

impl Probe {
    /// Weights are drawn from N(0, 0.01), biases are 0.
    pub fn new(config: &ProbeConfig) -> Result<Self, UdiError> {
        config.check()?;
        let stacks = guard(|| no_grad(|| Ok(stack::stacks(config))))?;
        Ok(Self {
            config: config.clone(),
            stacks,
            steps: 0,
        })
    }

    /// Steps made, those before a saved state included.
    pub fn steps(&self) -> i64 {
        self.steps
    }

    /// One step of SGD with momentum on the mean cross-entropy of a batch, with a learning rate for each candidate.
    ///
    /// The loss of each candidate before the step; not finite where its learning rate was too large for it.
    pub fn step(&mut self, batch: &LabelledRows, rates: &[f64]) -> Result<Vec<f64>, UdiError> {
        batch.check(&self.config)?;
        check_rates(rates, self.config.candidates.len())?;
        guard(|| no_grad(|| self.descend(batch, rates)))
    }

    /// For each candidate and row the number of classes that the candidate ranks before the right one: 0 is a hit.
    /// Of equal logits the class that comes first goes before; `classes` where a logit is not a number.
    ///
    /// `[candidates, rows]`
    pub fn ranks(&self, batch: &LabelledRows) -> Result<Vec<i32>, UdiError> {
        batch.check(&self.config)?;
        guard(|| no_grad(|| self.rank(batch)))
    }

    /// Writes everything that training needs to go on, as one safetensors file, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<Written, UdiError> {
        guard(|| no_grad(|| state::save(self, path)))
    }

    /// Goes on from a file that `save` wrote for the same candidates and classes; nothing is changed unless all of it fits.
    pub fn load(&mut self, path: &Path) -> Result<(), UdiError> {
        guard(|| no_grad(|| state::load(self, path)))
    }

    fn descend(&mut self, batch: &LabelledRows, rates: &[f64]) -> Result<Vec<f64>, UdiError> {
        let (rows, labels) = self.tensors(batch)?;
        let mut losses = vec![0.0; rates.len()];
        for stack in &mut self.stacks {
            for (&member, loss) in stack.members.clone().iter().zip(stack.step(
                &rows,
                &labels,
                rates,
                self.config.momentum,
            )?) {
                losses[member] = loss;
            }
        }
        self.steps += 1;
        Ok(losses)
    }

    fn rank(&self, batch: &LabelledRows) -> Result<Vec<i32>, UdiError> {
        let (rows, labels) = self.tensors(batch)?;
        let count = batch.labels.len();
        let mut ranks = vec![0; self.config.candidates.len() * count];
        for stack in &self.stacks {
            let chunk = (CHUNK_VALUES / stack.outputs()).max(1);
            for start in (0..count as i64).step_by(chunk as usize) {
                let length = chunk.min(count as i64 - start);
                let part = |tensor: &Tensor| tensor.narrow(0, start, length);
                let found = stack.ranks(&part(&rows), &part(&labels));
                for (place, &member) in stack.members.iter().enumerate() {
                    let column = found.select(1, place as i64).to_kind(Kind::Int);
                    let at = member * count + start as usize;
                    let column: Vec<i32> = Vec::try_from(column.contiguous())?;
                    ranks[at..at + length as usize].copy_from_slice(&column);
                }
            }
        }
        Ok(ranks)
    }

    /// Rows and labels on the device.
    fn tensors(&self, batch: &LabelledRows) -> Result<(Tensor, Tensor), UdiError> {
        let size = [batch.labels.len() as i64, self.config.row_width];
        let rows = Tensor::from_slice(batch.rows).view(size);
        config::check_finite(&rows)?;
        let labels = Tensor::from_slice(batch.labels).to_kind(Kind::Int64);
        let device = self.config.device;
        Ok((rows.to_device(device), labels.to_device(device)))
    }
}
