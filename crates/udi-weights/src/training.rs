//! What a training checkpoint of torch holds beside its networks: optimiser, centres, epoch, arguments, loss scale.

use std::{collections::BTreeMap, fs::File};

use serde_json::Value as Json;

use crate::{
    derived::Derived,
    error::Flaw,
    json::json,
    names::Mapped,
    shape::ModelShape,
    stored::StoredTensor,
    torch_file::{TorchFile, Value},
};

/// The rule whose state a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptimizerKind {
    /// Two moments.
    AdamW,
    /// A velocity.
    Sgd,
    /// A velocity, scaled by layer.
    Lars,
}

impl OptimizerKind {
    /// Name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::AdamW => "adamw",
            Self::Sgd => "sgd",
            Self::Lars => "lars",
        }
    }
}

/// What an optimiser remembers of one parameter.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub first: Derived,
    pub second: Option<Derived>,
    pub steps: i64,
}

#[derive(Debug)]
pub(crate) struct OptimizerState {
    pub kind: OptimizerKind,
    /// By our names; a parameter that was never updated has none.
    pub slots: BTreeMap<String, Slot>,
    /// Whether the norms of the prototypes are not trained.
    pub norms_frozen: bool,
}

/// Facts of a training checkpoint.
#[derive(Debug, Default)]
pub(crate) struct Training {
    pub epoch: Option<u64>,
    pub arguments: Option<Json>,
    pub optimizer: Option<OptimizerState>,
    /// `[levels, D]`
    pub centers: Option<StoredTensor>,
    /// Factor, and steps since it was changed.
    pub loss_scale: Option<[f64; 2]>,
    pub remarks: Vec<String>,
}

/// Reads what stands beside the networks. `student` has the order in which its parameters were given to the optimiser.
pub(crate) fn read(
    torch: &TorchFile,
    file: &File,
    student: Option<&Mapped>,
) -> Result<Training, Flaw> {
    let (pickled, root) = (&torch.pickled, &torch.pickled.root);
    let mut training = Training {
        epoch: pickled.get(root, "epoch").and_then(whole),
        arguments: pickled
            .get(root, "args")
            .and_then(|args| json(pickled, args)),
        loss_scale: loss_scale(torch),
        centers: centers(torch)?,
        ..Training::default()
    };
    if let (Some(student), Some(state)) = (student, pickled.get(root, "optimizer")) {
        match optimizer(torch, file, student, state)? {
            Some(optimizer) => training.optimizer = Some(optimizer),
            None => training.remarks.push(
                "the optimiser's state is left out: its groups are not the two of the reference"
                    .to_owned(),
            ),
        }
    }
    Ok(training)
}

fn optimizer(
    torch: &TorchFile,
    file: &File,
    student: &Mapped,
    state: &Value,
) -> Result<Option<OptimizerState>, Flaw> {
    let pickled = &torch.pickled;
    let Some((order, norms_frozen)) = order(torch, student, state) else {
        return Ok(None);
    };
    let (mut slots, mut kind) = (BTreeMap::new(), None);
    for (key, held) in pickled
        .get(state, "state")
        .map_or(&[][..], |state| pickled.entries(state))
    {
        let name = whole(key).and_then(|index| order.get(&index));
        let (Some(name), Some(parameter)) = (name, name.and_then(|name| student.tensors.get(name)))
        else {
            let found = "another key".to_owned();
            return Err(Flaw::new(
                "optimizer.state",
                "numbers of its parameters",
                found,
            ));
        };
        let mut moment = |part: &str, rule: OptimizerKind| -> Result<Option<Derived>, Flaw> {
            let Some(tensor) = pickled
                .get(held, part)
                .and_then(|value| pickled.tensor(value))
            else {
                return Ok(None);
            };
            kind = Some(rule);
            let place = format!("optimizer.{part} of {name}");
            let stored = torch.stored(&place, tensor)?;
            if stored.shape() != parameter.shape() {
                let expected = format!("shape {:?}", parameter.shape());
                return Err(Flaw::new(place, expected, format!("{:?}", stored.shape())));
            }
            Ok(Some(Derived::Stored(stored)))
        };
        let first = match moment("exp_avg", OptimizerKind::AdamW)? {
            Some(first) => Some(first),
            None => match moment("momentum_buffer", OptimizerKind::Sgd)? {
                Some(first) => Some(first),
                None => moment("mu", OptimizerKind::Lars)?,
            },
        };
        let second = moment("exp_avg_sq", OptimizerKind::AdamW)?;
        let steps = steps(torch, file, pickled.get(held, "step"))?;
        if let Some(first) = first {
            let slot = Slot {
                first,
                second,
                steps,
            };
            slots.insert(name.clone(), slot);
        }
    }
    Ok(kind.map(|kind| OptimizerState {
        kind,
        slots,
        norms_frozen,
    }))
}

/// Our name of each of the optimiser's parameters. The reference gives it those with weight decay first, then biases and
/// all that is one-dimensional, each in the order of the network. None: the groups are others.
fn order(
    torch: &TorchFile,
    student: &Mapped,
    state: &Value,
) -> Option<(BTreeMap<u64, String>, bool)> {
    let pickled = &torch.pickled;
    let groups = pickled.items(pickled.get(state, "param_groups")?);
    let members = groups.iter().map(|group| {
        let members = pickled
            .get(group, "params")
            .map(|members| pickled.items(members));
        members
            .unwrap_or_default()
            .iter()
            .map(whole)
            .collect::<Option<Vec<_>>>()
    });
    let members = members.collect::<Option<Vec<_>>>()?;
    let [decayed, plain] = members.as_slice() else {
        return None;
    };
    let learns = learning(&student.shape);
    let is_plain = |name: &String| {
        name.ends_with(".bias")
            || student
                .tensors
                .get(name)
                .is_some_and(|tensor| tensor.shape().len() == 1)
    };
    let names = student.order.iter().filter(|name| learns.contains(name));
    let (plain_names, mut decayed_names): (Vec<_>, Vec<_>) = names.partition(|name| is_plain(name));
    let norms_frozen = decayed_names.len() == decayed.len() + 1;
    if norms_frozen {
        decayed_names.retain(|name| !name.ends_with(".weight_g"));
    }
    if decayed_names.len() != decayed.len() || plain_names.len() != plain.len() {
        return None;
    }
    let decayed = decayed.iter().copied().zip(decayed_names);
    let all = decayed.chain(plain.iter().copied().zip(plain_names));
    Some((
        all.map(|(index, name)| (index, name.clone())).collect(),
        norms_frozen,
    ))
}

fn learning(shape: &ModelShape) -> Vec<String> {
    let learning = shape
        .parameters()
        .into_iter()
        .filter(|parameter| parameter.learns);
    learning.map(|parameter| parameter.name).collect()
}

/// Updates of a parameter: a number, or a tensor of one.
fn steps(torch: &TorchFile, file: &File, value: Option<&Value>) -> Result<i64, Flaw> {
    let Some(value) = value else { return Ok(0) };
    let number = match (value, torch.pickled.tensor(value)) {
        (_, Some(tensor)) => {
            let stored = torch.stored("optimizer.step", tensor)?;
            let single = (stored.count() == 1).then(|| stored.values("optimizer.step", file));
            single
                .transpose()?
                .and_then(|values| values.first().map(|&value| f64::from(value)))
        }
        (Value::Int(number), None) => Some(*number as f64),
        (Value::Float(number), None) => Some(*number),
        _ => None,
    };
    let whole = number.filter(|number| number.is_finite() && (0.0..9e15).contains(number));
    whole
        .map(|number| number as i64)
        .ok_or_else(|| Flaw::new("optimizer.step", "a number of updates", "another value"))
}

fn centers(torch: &TorchFile) -> Result<Option<StoredTensor>, Flaw> {
    let (pickled, root) = (&torch.pickled, &torch.pickled.root);
    let loss = ["udi_loss", "dino_loss"]
        .into_iter()
        .find_map(|name| pickled.get(root, name));
    let held = loss.and_then(|loss| {
        ["centering.center", "center"]
            .into_iter()
            .find_map(|name| pickled.get(loss, name))
    });
    let tensor = held.and_then(|held| pickled.tensor(held));
    tensor
        .map(|tensor| torch.stored("centers", tensor))
        .transpose()
}

fn loss_scale(torch: &TorchFile) -> Option<[f64; 2]> {
    let pickled = &torch.pickled;
    let scaler = pickled.get(&pickled.root, "fp16_scaler")?;
    let number = |name: &str| match pickled.get(scaler, name) {
        Some(Value::Float(number)) => Some(*number),
        Some(Value::Int(number)) => Some(*number as f64),
        _ => None,
    };
    let factor = number("scale").filter(|factor| factor.is_finite() && *factor > 0.0)?;
    Some([factor, number("_growth_tracker").unwrap_or(0.0)])
}

fn whole(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}
