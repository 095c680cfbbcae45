//! Classifiers that see the same columns, one above the other in one matrix.

use rand_distr::{Distribution, StandardNormal};
use tch::{Kind, Tensor};

use super::config::{ProbeCandidate, ProbeConfig};
use crate::{
    error::UdiError,
    random::{Purpose, stream},
};

/// Standard deviation of the initial weights.
const DEVIATION: f32 = 0.01;

/// K classifiers of C classes.
#[derive(Debug)]
pub(super) struct Stack {
    seen: ProbeCandidate,
    classes: i64,
    /// Their numbers among the probe's candidates.
    pub(super) members: Vec<usize>,
    /// `[K C, columns]`
    weight: Tensor,
    /// `[K C]`
    bias: Tensor,
    /// Running sums of gradients, in the shapes of what they move.
    weight_momentum: Tensor,
    bias_momentum: Tensor,
}

/// Groups the candidates by the columns that they see.
pub(super) fn stacks(config: &ProbeConfig) -> Vec<Stack> {
    let mut groups: Vec<(ProbeCandidate, Vec<usize>)> = Vec::new();
    for (member, &seen) in config.candidates.iter().enumerate() {
        match groups.iter_mut().find(|(known, _)| *known == seen) {
            Some((_, members)) => members.push(member),
            None => groups.push((seen, vec![member])),
        }
    }
    let stack = |(seen, members)| Stack::new(config, seen, members);
    groups.into_iter().map(stack).collect()
}

impl Stack {
    fn new(config: &ProbeConfig, seen: ProbeCandidate, members: Vec<usize>) -> Self {
        let count = members.len() as i64;
        let weight = initial(config, seen).repeat([count, 1]);
        let bias = Tensor::zeros([count * config.classes], (Kind::Float, config.device));
        Self {
            seen,
            classes: config.classes,
            members,
            weight_momentum: weight.zeros_like(),
            bias_momentum: bias.zeros_like(),
            weight,
            bias,
        }
    }

    /// Logits of one row: K C.
    pub(super) fn outputs(&self) -> i64 {
        self.bias.numel() as i64
    }

    /// One step on a batch; `rates` are those of all candidates. The losses of the members before it.
    pub(super) fn step(
        &mut self,
        rows: &Tensor,
        labels: &Tensor,
        rates: &[f64],
        momentum: f64,
    ) -> Result<Vec<f64>, UdiError> {
        let rows = self.columns_of(rows);
        let (losses, gradient) = self.loss(&rows, labels);
        let rates = self.rates(rates);
        follow(
            &mut self.weight_momentum,
            &gradient.tr().matmul(&rows),
            momentum,
        );
        let bias_gradient = gradient.sum_dim_intlist([0].as_slice(), false, Kind::Float);
        follow(&mut self.bias_momentum, &bias_gradient, momentum);
        self.weight -= &self.weight_momentum * rates.unsqueeze(1);
        self.bias -= &self.bias_momentum * rates;
        Ok(Vec::try_from(losses.to_kind(Kind::Double))?)
    }

    /// Classes before the right one: `[rows, K]`.
    pub(super) fn ranks(&self, rows: &Tensor, labels: &Tensor) -> Tensor {
        let logits = self.logits(&self.columns_of(rows));
        let labels = labels.view([-1, 1, 1]);
        let size = [logits.size()[0], logits.size()[1], 1];
        let right = logits.gather(2, &labels.expand(size, false), false);
        let classes = Tensor::arange(self.classes, (Kind::Int64, logits.device()));
        let tied_behind = logits
            .eq_tensor(&right)
            .logical_and(&classes.ge_tensor(&labels));
        // What cannot be compared is behind nothing.
        let behind = logits.lt_tensor(&right).logical_or(&tied_behind);
        self.classes - behind.sum_dim_intlist([2].as_slice(), false, Kind::Int64)
    }

    /// The tensors of one member, by name; they share its memory.
    pub(super) fn entries(&self, place: usize) -> Vec<(String, Tensor)> {
        let member = self.members[place];
        let first = place as i64 * self.classes;
        let parts = [
            ("weight", &self.weight),
            ("bias", &self.bias),
            ("momentum.weight", &self.weight_momentum),
            ("momentum.bias", &self.bias_momentum),
        ];
        let entry = |(name, tensor): (&str, &Tensor)| {
            let part = tensor.narrow(0, first, self.classes);
            (format!("candidate.{member}.{name}"), part)
        };
        parts.into_iter().map(entry).collect()
    }

    fn columns_of(&self, rows: &Tensor) -> Tensor {
        rows.narrow(1, self.seen.first_column, self.seen.columns)
    }

    /// `[rows, K, C]`
    fn logits(&self, rows: &Tensor) -> Tensor {
        let logits = self.bias.addmm(rows, &self.weight.tr());
        logits.view([-1, self.members.len() as i64, self.classes])
    }

    /// Mean cross-entropy of each member `[K]`, and its gradient in the logits `[rows, K C]`.
    fn loss(&self, rows: &Tensor, labels: &Tensor) -> (Tensor, Tensor) {
        let log_share = self.logits(rows).log_softmax(-1, Kind::Float);
        let size = log_share.size();
        let right = labels.view([-1, 1, 1]).expand([size[0], size[1], 1], false);
        let losses =
            -log_share
                .gather(2, &right, false)
                .mean_dim([0i64, 2].as_slice(), false, Kind::Float);
        let mut gradient = log_share.exp();
        let _ = gradient.scatter_add_(2, &right, &-right.ones_like().to_kind(Kind::Float));
        let gradient = gradient.view([size[0], -1]) / size[0] as f64;
        (losses, gradient)
    }

    /// The learning rate of each output: `[K C]`.
    fn rates(&self, all: &[f64]) -> Tensor {
        let own: Vec<f32> = self.members.iter().map(|&at| all[at] as f32).collect();
        let own = Tensor::from_slice(&own).to_device(self.bias.device());
        own.view([-1, 1]).repeat([1, self.classes]).flatten(0, 1)
    }
}

fn follow(sum: &mut Tensor, gradient: &Tensor, momentum: f64) {
    *sum *= momentum;
    *sum += gradient;
}

/// `[C, columns]`
fn initial(config: &ProbeConfig, seen: ProbeCandidate) -> Tensor {
    let name = ((seen.first_column as u64) << 24) ^ seen.columns as u64;
    let mut random = stream(config.seed, Purpose::Probe, name);
    let count = (config.classes * seen.columns) as usize;
    let mut draw = || -> f32 { StandardNormal.sample(&mut random) };
    let values: Vec<f32> = std::iter::repeat_with(|| DEVIATION * draw())
        .take(count)
        .collect();
    let weight = Tensor::from_slice(&values).view([config.classes, seen.columns]);
    weight.to_device(config.device)
}
