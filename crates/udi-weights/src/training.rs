//! What a training checkpoint of torch holds beside its networks: optimiser, centres, epoch, arguments, loss scale.

use std::fs::File;

use serde_json::Value as Json;

use crate::{
    error::Flaw,
    json::json,
    names::Mapped,
    optimizer_state::{OptimizerState, optimizer},
    stored::StoredTensor,
    torch_file::{TorchFile, Value, whole},
};

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
        epoch: whole(pickled.get(root, "epoch")),
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
