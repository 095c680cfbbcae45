//! The header of a safetensors file: names, kinds and places of its tensors. Values are read when they are asked for.

use std::{collections::HashMap, fs::File, os::unix::fs::FileExt};

use safetensors::tensor::{Metadata, TensorInfo};

use crate::{
    error::Flaw,
    stored::{Placement, Region, StoredTensor},
};

/// Largest header that is read: far more than any model's.
const LARGEST_HEADER: u64 = 16 << 20;

/// Tensors of a file in the order in which they lie, and its notes.
#[derive(Debug)]
pub(crate) struct SafetensorsFile {
    pub tensors: Vec<(String, StoredTensor)>,
    pub notes: HashMap<String, String>,
}

/// Reads the header of a file of `length` bytes.
pub(crate) fn read(file: &File, length: u64) -> Result<SafetensorsFile, Flaw> {
    let header = header(file, length)?;
    let start = 8 + header.len() as u64;
    let metadata: Metadata = serde_json::from_slice(&header)
        .map_err(|error| Flaw::new("header", "that of a safetensors file", error.to_string()))?;
    let expected = start.saturating_add(metadata.data_len() as u64);
    if expected != length {
        let bytes = |count: u64| format!("{count} bytes");
        return Err(Flaw::new("length", bytes(expected), bytes(length)));
    }
    let tensors = metadata.offset_keys().into_iter().filter_map(|name| {
        let info = metadata.info(&name)?;
        let stored = stored(&name, info, start, length);
        Some(stored.map(|stored| (name, stored)))
    });
    Ok(SafetensorsFile {
        tensors: tensors.collect::<Result<_, _>>()?,
        notes: metadata.metadata().clone().unwrap_or_default(),
    })
}

fn stored(name: &str, info: &TensorInfo, start: u64, length: u64) -> Result<StoredTensor, Flaw> {
    let (first, end) = info.data_offsets;
    if first > end || start.saturating_add(end as u64) > length {
        let found = format!("bytes {first} to {end}");
        return Err(Flaw::new(
            name,
            format!("a place within {length} bytes"),
            found,
        ));
    }
    let region = Region {
        start: start + first as u64,
        length: (end - first) as u64,
        crc: None,
    };
    let placement = Placement {
        dtype: info.dtype,
        shape: info.shape.clone(),
        strides: None,
        offset: 0,
        region,
    };
    StoredTensor::new(name, placement)
}

fn header(file: &File, length: u64) -> Result<Vec<u8>, Flaw> {
    let mut size = [0; 8];
    file.read_exact_at(&mut size, 0)
        .map_err(|error| Flaw::unread("header", &error))?;
    let size = u64::from_le_bytes(size);
    let most = LARGEST_HEADER.min(length.saturating_sub(8));
    if size > most {
        let expected = format!("at most {most} bytes");
        return Err(Flaw::new("header", expected, format!("{size} bytes")));
    }
    let mut header = vec![0; size as usize];
    file.read_exact_at(&mut header, 8)
        .map_err(|error| Flaw::unread("header", &error))?;
    Ok(header)
}
