//! The state of an optimiser of torch: what it remembers of each parameter, under our names.

use std::{collections::BTreeMap, fs::File};

use crate::{
    derived::Derived,
    error::Flaw,
    names::Mapped,
    shape::ModelShape,
    torch_file::{TorchFile, Value, whole},
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
/// Reads the state of the optimiser that the student was given to. None: its groups are not those of the reference.
pub(crate) fn optimizer(
    torch: &TorchFile,
    file: &File,
    student: &Mapped,
    state: &Value,
) -> Result<Option<OptimizerState>, Flaw> {
    let pickled = &torch.pickled;
    let Some((order, norms_frozen)) = order(torch, student, state) else {
        return Ok(None);
    };
    let (mut slots, mut found) = (BTreeMap::new(), None);
    for (key, held) in pickled
        .get(state, "state")
        .map_or(&[][..], |state| pickled.entries(state))
    {
        let Some(name) = whole(Some(key)).and_then(|index| order.get(&index)) else {
            let expected = "numbers of its parameters";
            return Err(Flaw::new("optimizer.state", expected, "another key"));
        };
        let held = Held {
            torch,
            student,
            name,
            state: held,
        };
        if let Some((kind, slot)) = held.slot(file)? {
            found = Some(kind);
            slots.insert(name.clone(), slot);
        }
    }
    Ok(found.map(|kind| OptimizerState {
        kind,
        slots,
        norms_frozen,
    }))
}

/// What the file holds for one parameter.
struct Held<'a> {
    torch: &'a TorchFile,
    student: &'a Mapped,
    name: &'a str,
    state: &'a Value,
}

/// Names of the first moment, and the rule that calls it so.
const FIRST: [(&str, OptimizerKind); 3] = [
    ("exp_avg", OptimizerKind::AdamW),
    ("momentum_buffer", OptimizerKind::Sgd),
    ("mu", OptimizerKind::Lars),
];

impl Held<'_> {
    /// None: it was never updated.
    fn slot(&self, file: &File) -> Result<Option<(OptimizerKind, Slot)>, Flaw> {
        for (part, kind) in FIRST {
            if let Some(first) = self.moment(part)? {
                let slot = Slot {
                    first,
                    second: self.moment("exp_avg_sq")?,
                    steps: steps(self.torch, file, self.torch.pickled.get(self.state, "step"))?,
                };
                return Ok(Some((kind, slot)));
            }
        }
        Ok(None)
    }

    /// A tensor of the parameter's shape.
    fn moment(&self, part: &str) -> Result<Option<Derived>, Flaw> {
        let pickled = &self.torch.pickled;
        let held = pickled.get(self.state, part);
        let Some(tensor) = held.and_then(|value| pickled.tensor(value)) else {
            return Ok(None);
        };
        let place = format!("optimizer.{part} of {}", self.name);
        let stored = self.torch.stored(&place, tensor)?;
        let shape = self.student.tensors.get(self.name).map(Derived::shape);
        if shape.as_deref() != Some(stored.shape()) {
            let expected = format!("shape {:?}", shape.unwrap_or_default());
            let found = format!("{:?}", stored.shape());
            return Err(Flaw::new(place, expected, found));
        }
        Ok(Some(Derived::Stored(stored)))
    }
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
            .map(|member| whole(Some(member)))
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
