//! A probe's state as one safetensors file: `candidate.N.weight`, `candidate.N.bias`, `candidate.N.momentum.weight`,
//! `candidate.N.momentum.bias`, `steps`.

use std::path::Path;

use tch::Tensor;
use weight_file::Written;

use super::Probe;
use crate::{
    error::UdiError,
    state::{Entry, Format, Snapshot, copy_all, fitting_file},
};

/// The mark of such a file.
const FORMAT: Format = ("format", "udi-native probe 1");

pub(super) fn save(probe: &Probe, path: &Path) -> Result<Written, UdiError> {
    let mut snapshot = Snapshot::default();
    snapshot.fill(&entries(probe), FORMAT)?;
    snapshot.write(path, &mut || {})
}

pub(super) fn load(probe: &mut Probe, path: &Path) -> Result<(), UdiError> {
    let entries = entries(probe);
    let values = fitting_file(path, &entries, FORMAT)?;
    copy_all(&entries, &values);
    if let Some(steps) = values.last() {
        probe.steps = steps.int64_value(&[0]);
    }
    Ok(())
}

/// The number of steps comes last.
fn entries(probe: &Probe) -> Vec<Entry> {
    let stacks = probe.stacks.iter();
    let mut entries: Vec<Entry> = stacks
        .flat_map(|stack| (0..stack.members.len()).flat_map(|place| stack.entries(place)))
        .collect();
    entries.push(("steps".to_owned(), Tensor::from_slice(&[probe.steps])));
    entries
}
