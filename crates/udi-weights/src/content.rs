//! What a file of weights holds: found out from its first bytes, and its networks under our names.

use std::{fs::File, os::unix::fs::FileExt};

use serde_json::Value as Json;

use crate::{
    checkpoint::{Branch, Format},
    error::Flaw,
    names::{Found, Mapped, mapped},
    optimizer_state::OptimizerKind,
    safetensors_file::{self, SafetensorsFile},
    stored::StoredTensor,
    torch_file::{self, Node, Pickled, TorchFile, Value},
    training::{self, Training},
    write::BACKBONE_NOTE,
};

#[derive(Debug)]
pub(crate) struct NativeState {
    pub steps: i64,
    pub optimizer: Option<OptimizerKind>,
}

/// What a file holds, before its facts are put in order.
pub(crate) struct Content {
    pub format: Format,
    pub networks: Vec<(Branch, Mapped)>,
    pub training: Training,
    pub native: Option<NativeState>,
    pub heads: Option<u64>,
}

pub(crate) fn content(file: &File, length: u64) -> Result<Content, Flaw> {
    let mut head = [0; 9];
    let size = head.len().min(length as usize);
    file.read_exact_at(&mut head[..size], 0)
        .map_err(|error| Flaw::unread("file", &error))?;
    if let Some(torch) = torch_file::read(file, length, &head[..size]) {
        return torch_content(&torch?, file);
    }
    match head {
        [.., b'{'] => safetensors_content(safetensors_file::read(file, length)?, file),
        _ => {
            let expected = "a file of torch.save or safetensors";
            Err(Flaw::new("file", expected, "one that begins like neither"))
        }
    }
}

fn safetensors_content(read: SafetensorsFile, file: &File) -> Result<Content, Flaw> {
    let of = |prefix: &str| -> Found {
        let tensors = read.tensors.iter();
        let named = tensors.filter_map(|(name, stored)| {
            Some((name.strip_prefix(prefix)?.to_owned(), stored.clone()))
        });
        named.collect()
    };
    let mut networks = Vec::new();
    for branch in [Branch::Student, Branch::Teacher] {
        let found = of(&format!("{}.", branch.name()));
        if !found.is_empty() {
            networks.push((branch, mapped(found, file)?));
        }
    }
    let heads = read.notes.get(BACKBONE_NOTE).and_then(|note| {
        let note: Json = serde_json::from_str(note).ok()?;
        note.get("heads")?.as_u64()
    });
    let native = match networks.is_empty() {
        true => None,
        false => Some(native_state(&read, file)?),
    };
    if networks.is_empty() {
        networks.push((Branch::Backbone, mapped(read.tensors, file)?));
    }
    Ok(Content {
        format: Format::Safetensors,
        networks,
        training: Training::default(),
        native,
        heads,
    })
}

fn native_state(read: &SafetensorsFile, file: &File) -> Result<NativeState, Flaw> {
    let named = |wanted: &str| read.tensors.iter().find(|(name, _)| name == wanted);
    let begins = |prefix: &str| {
        read.tensors
            .iter()
            .any(|(name, _)| name.starts_with(prefix))
    };
    let steps = match named("steps") {
        Some((_, stored)) if stored.count() == 1 => whole_number(stored, file)?,
        _ => 0,
    };
    let optimizer = match (begins("optimizer.first."), begins("optimizer.second.")) {
        (true, true) => Some(OptimizerKind::AdamW),
        (true, false) => Some(OptimizerKind::Sgd),
        _ => None,
    };
    Ok(NativeState { steps, optimizer })
}

fn whole_number(stored: &StoredTensor, file: &File) -> Result<i64, Flaw> {
    let bytes = stored.bytes("steps", file)?;
    let wide = <[u8; 8]>::try_from(bytes).map(i64::from_le_bytes);
    wide.map_err(|_| Flaw::new("steps", "an int64", "another kind"))
}

fn torch_content(torch: &TorchFile, file: &File) -> Result<Content, Flaw> {
    let pickled = &torch.pickled;
    let mut networks = Vec::new();
    for branch in [Branch::Student, Branch::Teacher] {
        if let Some(state) = pickled.get(&pickled.root, branch.name()) {
            networks.push((branch, mapped(found(torch, state)?, file)?));
        }
    }
    let mut training = Training::default();
    if networks.is_empty() {
        let state = state_dictionary(pickled);
        networks.push((Branch::Backbone, mapped(found(torch, state)?, file)?));
    } else {
        let student = networks
            .iter()
            .find(|(branch, _)| *branch == Branch::Student);
        training = training::read(torch, file, student.map(|(_, student)| student))?;
    }
    Ok(Content {
        format: Format::Torch(torch.format),
        networks,
        training,
        native: None,
        heads: None,
    })
}

/// Names under which others keep the weights of a file that holds more.
const WRAPPINGS: [&str; 4] = ["state_dict", "model", "model_state_dict", "model_ema"];

fn state_dictionary(pickled: &Pickled) -> &Value {
    let inner = WRAPPINGS
        .into_iter()
        .filter_map(|name| pickled.get(&pickled.root, name));
    let dictionary = |value: &&Value| matches!(pickled.node(value), Some(Node::Dict(_)));
    inner.into_iter().find(dictionary).unwrap_or(&pickled.root)
}

/// Tensors of a state dictionary.
fn found(torch: &TorchFile, state: &Value) -> Result<Found, Flaw> {
    let mut found = Found::new();
    for (key, value) in torch.pickled.entries(state) {
        let (Value::Text(name), Some(tensor)) = (key, torch.pickled.tensor(value)) else {
            continue;
        };
        found.push((name.to_string(), torch.stored(name, tensor)?));
    }
    Ok(found)
}
