//! Files of `torch.save`, read without Python: the pickle is understood as far as it builds plain data, and nothing in it
//! is run.

mod allowed;
mod archive;
mod cursor;
mod legacy;
mod machine;
mod rebuild;
mod scalar;
mod stack;
mod value;

use std::{collections::HashMap, fs::File};

pub(crate) use value::{Node, Pickled, TensorRef, Value, whole};

use crate::{
    error::Flaw,
    numbers,
    stored::{Placement, Region, StoredTensor},
};

/// How a torch file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TorchFormat {
    /// A zip archive, since torch 1.6.
    Zip,
    /// Pickles one after the other.
    Legacy,
}

/// A torch file whose pickle was read; values are read when they are asked for.
#[derive(Debug)]
pub(crate) struct TorchFile {
    pub format: TorchFormat,
    pub pickled: Pickled,
    storages: HashMap<String, Region>,
}

/// First bytes of a zip file, and of a pickle of protocol 2 or later.
const ZIP: &[u8] = b"PK\x03\x04";
const PICKLE: u8 = 0x80;

/// Reads a torch file of `length` bytes; None: it begins like neither form.
pub(crate) fn read(file: &File, length: u64, head: &[u8]) -> Option<Result<TorchFile, Flaw>> {
    match head {
        _ if head.starts_with(ZIP) => Some(archive::read(file, length)),
        [PICKLE, ..] => Some(legacy::read(file, length)),
        _ => None,
    }
}

impl TorchFile {
    /// Where a tensor of the pickle lies, checked against its storage.
    pub fn stored(&self, name: &str, tensor: &TensorRef) -> Result<StoredTensor, Flaw> {
        let storage = &tensor.storage;
        let Some(region) = self.storages.get(&*storage.key) else {
            let found = format!("none of key {}", storage.key);
            return Err(Flaw::new(name, "a storage in the file", found));
        };
        let size = numbers::size(storage.dtype).unwrap_or(1);
        let bytes = |count: u64| count.checked_mul(size);
        let (skipped, length) = (bytes(storage.offset), bytes(storage.count));
        let fits = skipped.zip(length).filter(|(skipped, length)| {
            skipped
                .checked_add(*length)
                .is_some_and(|end| end <= region.length)
        });
        let Some((skipped, length)) = fits else {
            let expected = format!("a storage of {} values", storage.count);
            return Err(Flaw::new(
                name,
                expected,
                format!("one of {} bytes", region.length),
            ));
        };
        let region = Region {
            start: region.start + skipped,
            length,
            crc: region.crc.filter(|_| length == region.length),
        };
        let placement = Placement {
            dtype: storage.dtype,
            shape: tensor.shape.clone(),
            strides: Some(tensor.strides.clone()),
            offset: tensor.offset,
            region,
        };
        StoredTensor::new(name, placement)
    }
}
