//! What a checkpoint of a test holds, as its maker wrote it down.

#![allow(dead_code)] // Each test file reads its own part.

pub mod archive;

use std::{
    fs,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors};
use udi_weights::{Branch, Checkpoint};

/// Files made by `make_fixtures.py`.
pub fn fixture(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/weights/fixtures");
    Path::new(folder).join(name)
}

pub fn values(checkpoint: &Checkpoint, branch: Branch, name: &str) -> Vec<f32> {
    checkpoint.values(branch, name).unwrap()
}

/// A safetensors file.
pub struct Held(Vec<u8>);

impl Held {
    pub fn read(path: &Path) -> Self {
        Self(fs::read(path).unwrap_or_else(|error| panic!("{path:?}: {error}")))
    }

    fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.0).unwrap()
    }

    pub fn names(&self) -> Vec<String> {
        let file = self.file();
        let mut names: Vec<_> = file.names().into_iter().map(str::to_owned).collect();
        names.sort();
        names
    }

    pub fn names_below(&self, prefix: &str) -> Vec<String> {
        let names = self.names().into_iter();
        let below = names.filter_map(|name| Some(name.strip_prefix(prefix)?.to_owned()));
        below.collect()
    }

    pub fn floats(&self, name: &str) -> Vec<f32> {
        let file = self.file();
        let view = file.tensor(name).unwrap();
        assert_eq!(view.dtype(), Dtype::F32, "{name}");
        let (values, _) = view.data().as_chunks::<4>();
        values
            .iter()
            .map(|&value| f32::from_le_bytes(value))
            .collect()
    }

    pub fn integers(&self, name: &str) -> Vec<i64> {
        let file = self.file();
        let (values, _) = file.tensor(name).unwrap().data().as_chunks::<8>();
        values
            .iter()
            .map(|&value| i64::from_le_bytes(value))
            .collect()
    }

    /// Holds the checkpoint to every `student.`, `teacher.` and `backbone.` tensor; how many there were.
    pub fn compare_networks(&self, checkpoint: &Checkpoint) -> usize {
        let networks = [Branch::Student, Branch::Teacher, Branch::Backbone];
        let compared = networks.map(|branch| {
            let names = self.names_below(&format!("{}.", branch.name()));
            for name in &names {
                let wanted = self.floats(&format!("{}.{name}", branch.name()));
                assert_eq!(values(checkpoint, branch, name), wanted, "{name}");
            }
            names.len()
        });
        compared.iter().sum()
    }
}
