//! A learner's state as one safetensors file: networks, optimiser, centres, loss scale, step number.
//!
//! Names: `student.NAME`, `teacher.NAME`, `optimizer.first.NAME`, `optimizer.second.NAME`, with the names of the public
//! checkpoints, and `optimizer.steps`, `centers`, `steps`, `loss_scale`. The same state gives the same bytes.

use std::{collections::HashMap, fs, path::Path};

use safetensors::{Dtype, SafeTensors};
use tch::{Kind, Tensor, no_grad};
use weight_file::{Described, HashedFile, Layout, Written};

use crate::{
    error::UdiError,
    learner::Learner,
    parameters::{Declaration, Parameters},
};

/// Key and value of the metadata that marks a file.
pub(crate) type Format = (&'static str, &'static str);

/// The mark of such a file.
const FORMAT: Format = ("format", "udi-native state 1");

/// A learner's state as it stood when it was copied: the bytes of its file, in memory of their own. It can be written by
/// another thread while the learner goes on, and be used again for the next copy.
#[derive(Debug, Default)]
pub struct Snapshot(Vec<u8>);

impl Snapshot {
    /// Copies the state of a learner in place of what was there.
    pub(crate) fn copy(&mut self, learner: &Learner) -> Result<(), UdiError> {
        let mut entries = tensors(learner);
        entries.extend(numbers(learner));
        self.fill(&entries, FORMAT)
    }

    /// Copies these tensors in place of what was there, into a file marked with `format`.
    pub(crate) fn fill(&mut self, entries: &[Entry], format: Format) -> Result<(), UdiError> {
        let described = entries.iter().map(described);
        let described = described.collect::<Result<Vec<_>, UdiError>>()?;
        let metadata = HashMap::from([(format.0.to_owned(), format.1.to_owned())]);
        let layout = Layout::new(&described, metadata)
            .map_err(|error| UdiError::argument("state", "tensors that fit in a file", error))?;
        resize(&mut self.0, layout.bytes())?;
        let header = layout.header();
        self.0[..header.len()].copy_from_slice(header);
        for (index, (_, tensor)) in entries.iter().enumerate() {
            tensor.f_copy_data_u8(&mut self.0[layout.place(index)], tensor.numel())?;
        }
        Ok(())
    }

    /// Writes the file, whole or not at all, and flushes it to the disk. Calls `between` after each mebibyte, where a
    /// writer may rest.
    pub fn write(&self, path: &Path, between: &mut dyn FnMut()) -> Result<Written, UdiError> {
        let mut write = || {
            let mut file = HashedFile::create(path, self.0.len())?;
            file.write_paced(&self.0, between)?;
            file.finish()
        };
        write().map_err(|source| UdiError::Io {
            path: path.to_owned(),
            action: "written",
            source,
        })
    }
}

/// Reads a state into a learner; nothing is changed unless all of it fits.
pub(crate) fn load(learner: &mut Learner, path: &Path) -> Result<(), UdiError> {
    let (mut entries, numbers) = (tensors(learner), numbers(learner));
    let tensors = entries.len();
    entries.extend(numbers);
    let values = fitting_file(path, &entries, FORMAT)?;
    copy_all(&entries[..tensors], &values[..tensors]);
    restore_numbers(learner, &values[tensors..]);
    Ok(())
}

/// What a file marked with `format` holds for these entries. It must hold all of them in their shapes, and nothing else.
pub(crate) fn fitting_file(
    path: &Path,
    entries: &[Entry],
    format: Format,
) -> Result<Vec<Tensor>, UdiError> {
    let bytes = read(path)?;
    require_format(&bytes, path, format)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(path, error))?;
    let known = |name: &str| entries.iter().any(|(known, _)| known == name);
    if let Some(name) = file.names().into_iter().find(|name| !known(name)) {
        return Err(state_error(path, "the state of this model", name));
    }
    fitting_all(&file, entries, path)
}

/// Reads `student.NAME` and `teacher.NAME` of a file that may hold more; nothing is changed unless all of them fit.
pub(crate) fn load_networks(learner: &mut Learner, path: &Path) -> Result<(), UdiError> {
    let networks = networks(learner);
    let bytes = read(path)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(path, error))?;
    copy_all(&networks, &fitting_all(&file, &networks, path)?);
    Ok(())
}

/// A tensor of the state and its name.
pub(crate) type Entry = (String, Tensor);

fn read(path: &Path) -> Result<Vec<u8>, UdiError> {
    fs::read(path).map_err(|source| UdiError::Io {
        path: path.to_owned(),
        action: "read",
        source,
    })
}

fn fitting_all(file: &SafeTensors, like: &[Entry], path: &Path) -> Result<Vec<Tensor>, UdiError> {
    like.iter()
        .map(|(name, tensor)| fitting(file, name, tensor, path))
        .collect()
}

/// Copies into the memory that the entries share with their owner.
pub(crate) fn copy_all(entries: &[Entry], values: &[Tensor]) {
    no_grad(|| {
        for ((_, target), value) in entries.iter().zip(values) {
            target.shallow_clone().copy_(value);
        }
    });
}

fn networks(learner: &Learner) -> Vec<Entry> {
    let declarations = learner.network.declarations();
    let named = |prefix: &str, parameters: &Parameters| {
        let entry = |(declaration, tensor): (&Declaration, &Tensor)| {
            let name = format!("{prefix}.{}", declaration.name);
            (name, tensor.shallow_clone())
        };
        let entries = declarations.iter().zip(parameters.tensors()).map(entry);
        entries.collect::<Vec<_>>()
    };
    let mut entries = named("student", &learner.student);
    entries.extend(named("teacher", &learner.teacher));
    entries
}

/// Tensors of the state; they share the learner's memory.
fn tensors(learner: &Learner) -> Vec<Entry> {
    let mut entries = networks(learner);
    let centers = learner.centers.values().shallow_clone();
    entries.push(("centers".to_owned(), centers));
    let declarations = learner.network.declarations();
    for (Declaration { name, .. }, slot) in declarations.iter().zip(learner.optimizer.slots()) {
        let Some(slot) = slot else { continue };
        entries.push((
            format!("optimizer.first.{name}"),
            slot.first.shallow_clone(),
        ));
        if let Some(second) = &slot.second {
            entries.push((format!("optimizer.second.{name}"), second.shallow_clone()));
        }
    }
    entries
}

/// Numbers of the state, as tensors of their own.
fn numbers(learner: &Learner) -> Vec<Entry> {
    let slots = learner.optimizer.slots().iter();
    let updates: Vec<i64> = slots
        .map(|slot| slot.as_ref().map_or(0, |slot| slot.steps))
        .collect();
    let scale = learner.loss_scale;
    vec![
        ("optimizer.steps".to_owned(), Tensor::from_slice(&updates)),
        ("steps".to_owned(), Tensor::from_slice(&[learner.steps])),
        (
            "loss_scale".to_owned(),
            Tensor::from_slice(&[scale.factor, scale.steady as f64]),
        ),
    ]
}

/// `numbers` in the order of [`numbers`].
fn restore_numbers(learner: &mut Learner, numbers: &[Tensor]) {
    let [updates, steps, scale] = numbers else {
        return;
    };
    for (index, slot) in learner.optimizer.slots_mut().iter_mut().enumerate() {
        if let Some(slot) = slot {
            slot.steps = updates.int64_value(&[index as i64]);
        }
    }
    learner.steps = steps.int64_value(&[0]);
    // An imported state may come from a run in fp16 and go on in another precision, which has none.
    if learner.loss_scale.varies() {
        learner.loss_scale.factor = scale.double_value(&[0]);
        learner.loss_scale.steady = scale.double_value(&[1]) as i64;
    }
}

/// The tensor of this name, if its shape and kind are those of `like`.
fn fitting(file: &SafeTensors, name: &str, like: &Tensor, path: &Path) -> Result<Tensor, UdiError> {
    let describe = |kind: &dyn std::fmt::Debug, size: &dyn std::fmt::Debug| {
        format!("{name} of kind {kind:?} and shape {size:?}")
    };
    let (dtype, _) = storage(like)?;
    let size: Vec<usize> = like.size().iter().map(|&side| side as usize).collect();
    let wanted = describe(&dtype, &size);
    let Ok(view) = file.tensor(name) else {
        return Err(state_error(path, &wanted, "no such tensor"));
    };
    if view.dtype() != dtype || view.shape() != size {
        let found = describe(&view.dtype(), &view.shape());
        return Err(state_error(path, &wanted, &found));
    }
    Ok(Tensor::f_from_data_size(
        view.data(),
        &like.size(),
        like.kind(),
    )?)
}

fn described((name, tensor): &Entry) -> Result<Described, UdiError> {
    let (dtype, _) = storage(tensor)?;
    Ok(Described {
        name: name.clone(),
        dtype,
        shape: tensor.size().iter().map(|&side| side as usize).collect(),
    })
}

/// An error, not an abort, where there is not enough memory.
fn resize(bytes: &mut Vec<u8>, length: usize) -> Result<(), UdiError> {
    if bytes.len() == length {
        return Ok(());
    }
    *bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|error| {
        UdiError::argument(
            "state",
            format!("memory for a copy of {length} bytes"),
            error,
        )
    })?;
    bytes.resize(length, 0);
    Ok(())
}

/// Refuses the file of another program, or of a later version of this one, whose names may mean something else.
fn require_format(bytes: &[u8], path: &Path, format: Format) -> Result<(), UdiError> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| damaged(path, error))?;
    let marks = metadata.metadata().as_ref();
    let mark = marks.and_then(|marks| marks.get(format.0));
    match mark.map(String::as_str) {
        Some(known) if known == format.1 => Ok(()),
        mark => {
            let expected = format!("a file marked {:?}", format.1);
            let found = mark.map_or("no mark".to_owned(), |mark| format!("{mark:?}"));
            Err(state_error(path, &expected, &found))
        }
    }
}

/// How a kind is stored, and the bytes of a value.
fn storage(tensor: &Tensor) -> Result<(Dtype, usize), UdiError> {
    match tensor.kind() {
        Kind::Float => Ok((Dtype::F32, 4)),
        Kind::Double => Ok((Dtype::F64, 8)),
        Kind::Int64 => Ok((Dtype::I64, 8)),
        other => Err(UdiError::argument(
            "state",
            "fp32, fp64 or int64 tensors",
            format!("{other:?}"),
        )),
    }
}

fn damaged(path: &Path, error: safetensors::SafeTensorError) -> UdiError {
    state_error(path, "a whole safetensors file", &error.to_string())
}

fn state_error(path: &Path, expected: &str, found: &str) -> UdiError {
    UdiError::State {
        path: path.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}
