//! The form before torch 1.6: a magic number, a version, facts of the system, the pickle, the keys of its storages, and
//! the storages themselves, each a number of values and the values.

use std::{collections::HashMap, fs::File, os::unix::fs::FileExt};

use super::{
    TorchFile, TorchFormat,
    archive::LARGEST_PICKLE,
    machine::unpickle,
    value::{Node, Pickled, Value},
};
use crate::{error::Flaw, numbers, stored::Region};

const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;

pub(super) fn read(file: &File, length: u64) -> Result<TorchFile, Flaw> {
    let mut head = vec![0; length.min(LARGEST_PICKLE) as usize];
    file.read_exact_at(&mut head, 0)
        .map_err(|error| Flaw::unread("file", &error))?;
    let mut at = 0;
    let mut next = || {
        let (pickled, read) = unpickle(head.get(at..).unwrap_or_default())?;
        at += read;
        Ok::<_, Flaw>(pickled)
    };
    if next()?.root != Value::Int(MAGIC) {
        let expected = "the magic number of torch.save";
        return Err(Flaw::new("file", expected, "another pickle"));
    }
    let (_version, _system) = (next()?, next()?);
    let pickled = next()?;
    let keys = next()?;
    let storages = storages(file, length, at as u64, &pickled, &keys)?;
    Ok(TorchFile {
        format: TorchFormat::Legacy,
        storages,
        pickled,
    })
}

fn storages(
    file: &File,
    length: u64,
    mut at: u64,
    pickled: &Pickled,
    keys: &Pickled,
) -> Result<HashMap<String, Region>, Flaw> {
    let sizes = value_sizes(pickled);
    let mut storages = HashMap::new();
    for key in keys.items(&keys.root) {
        let size = match key {
            Value::Text(key) => sizes.get(&**key).map(|size| (key.to_string(), *size)),
            _ => None,
        };
        let Some((key, size)) = size else {
            return Err(Flaw::new("storages", "those of the pickle", "another key"));
        };
        let mut count = [0; 8];
        file.read_exact_at(&mut count, at)
            .map_err(|error| Flaw::unread(&key, &error))?;
        let count = u64::from_le_bytes(count);
        let (start, bytes) = (at + 8, count.checked_mul(size));
        let end = bytes.and_then(|bytes| start.checked_add(bytes));
        let (Some(bytes), Some(end)) = (bytes, end.filter(|&end| end <= length)) else {
            let expected = format!("a storage within the file of {length} bytes");
            return Err(Flaw::new(
                key,
                expected,
                format!("{count} values at {start}"),
            ));
        };
        let region = Region {
            start,
            length: bytes,
            crc: None,
        };
        storages.insert(key, region);
        at = end;
    }
    Ok(storages)
}

/// Bytes of a value of each storage.
fn value_sizes(pickled: &Pickled) -> HashMap<&str, u64> {
    let sizes = pickled.nodes.iter().filter_map(|node| match node {
        Node::Storage(storage) => Some((&*storage.key, numbers::size(storage.dtype)?)),
        _ => None,
    });
    sizes.collect()
}
