//! Weights of a model: in its file, or in one beside it, since a protobuf message holds at most 2 GiB.

use std::path::{Path, PathBuf};

use super::schema::{Entry, Initializer, Kind};
use crate::{
    error::WeightsError,
    export::{
        array::Array,
        stored_as::StoredAs,
        written_file::{WrittenFile, write_file},
    },
};

/// Where weights lie.
#[derive(Debug)]
pub(super) enum Place {
    /// In the model's file.
    Inside,
    /// In this one.
    Beside(PathBuf),
}

/// Runtimes map the file into memory page by page: a weight begins with one.
const PAGE: usize = 4096;

/// A weight before its place is known.
#[derive(Debug)]
pub(super) struct Weight {
    pub name: String,
    pub array: Array,
    pub stored_as: StoredAs,
}

impl Weight {
    pub fn size(&self) -> usize {
        self.array.values.len() * self.stored_as.size()
    }

    /// Its description, without the bytes.
    fn message(&self) -> Initializer {
        let kind = match self.stored_as {
            StoredAs::Fp32 => Kind::Float,
            StoredAs::Fp16 => Kind::Float16,
        };
        Initializer {
            dims: self.array.shape.iter().map(|&side| side as i64).collect(),
            data_type: kind as i32,
            name: self.name.clone(),
            ..Initializer::default()
        }
    }

    fn bytes(&self) -> Vec<u8> {
        self.stored_as.bytes(&self.array.values)
    }
}

/// Integers, always in the model's file: operators read their shapes from them.
pub(super) fn integers(name: &str, values: &[i64], dims: &[i64]) -> Initializer {
    Initializer {
        dims: dims.to_vec(),
        data_type: Kind::Int64 as i32,
        name: name.to_owned(),
        raw_data: Some(
            values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        ),
        ..Initializer::default()
    }
}

/// Weights in their place, and the file beside the model if there is one: it is written here.
pub(super) fn placed(
    weights: Vec<Weight>,
    place: &Place,
) -> Result<(Vec<Initializer>, Option<WrittenFile>), WeightsError> {
    match place {
        Place::Inside => Ok((weights.into_iter().map(inside).collect(), None)),
        Place::Beside(path) => {
            let (initializers, file) = beside(&weights, path)?;
            Ok((initializers, Some(file)))
        }
    }
}

fn inside(weight: Weight) -> Initializer {
    Initializer {
        raw_data: Some(weight.bytes()),
        ..weight.message()
    }
}

fn beside(
    weights: &[Weight],
    path: &Path,
) -> Result<(Vec<Initializer>, WrittenFile), WeightsError> {
    let starts = starts(weights);
    let last = starts.last().zip(weights.last());
    let length = last.map_or(0, |(start, weight)| start + weight.size());
    let file = write_file(path, length, |file| {
        let mut end = 0;
        for (start, weight) in starts.iter().zip(weights) {
            file.write(&vec![0; start - end])?;
            file.write(&weight.bytes())?;
            end = start + weight.size();
        }
        Ok(())
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let placed = weights
        .iter()
        .zip(&starts)
        .map(|(weight, start)| Initializer {
            external_data: vec![
                Entry::new("location", &name),
                Entry::new("offset", &start.to_string()),
                Entry::new("length", &weight.size().to_string()),
            ],
            data_location: 1,
            ..weight.message()
        });
    Ok((placed.collect(), file))
}

/// Where each weight begins in the file beside the model.
fn starts(weights: &[Weight]) -> Vec<usize> {
    let mut end = 0;
    let start = |weight: &Weight| {
        let start = usize::next_multiple_of(end, PAGE);
        end = start + weight.size();
        start
    };
    weights.iter().map(start).collect()
}
