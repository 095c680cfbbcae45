//! Whether all values of a safetensors file are numbers.

use std::{fs::File, path::Path};

use crate::{
    error::{Flaw, WeightsError},
    safetensors_file,
};

/// A tensor that holds values that are infinite or no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonFinite {
    /// Its name in the file.
    pub name: String,
    /// How many they are.
    pub count: usize,
}

/// Tensors that hold such values, whatever the file is of. Reads all of it, a tensor in memory at a time.
pub fn non_finite(path: &Path) -> Result<Vec<NonFinite>, WeightsError> {
    let unread = |source| WeightsError::Io {
        path: path.to_owned(),
        action: "read",
        source,
    };
    let flawed = |flaw: Flaw| WeightsError::Content {
        path: path.to_owned(),
        flaw,
    };
    let file = File::open(path).map_err(unread)?;
    let length = file.metadata().map_err(unread)?.len();
    let mut found = Vec::new();
    for (name, stored) in safetensors_file::read(&file, length)
        .map_err(flawed)?
        .tensors
    {
        let values = stored.values(&name, &file).map_err(flawed)?;
        let count = values.iter().filter(|value| !value.is_finite()).count();
        if count > 0 {
            found.push(NonFinite { name, count });
        }
    }
    Ok(found)
}
