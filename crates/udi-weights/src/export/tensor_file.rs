//! Arrays as a safetensors file.

use std::{collections::HashMap, path::Path};

use weight_file::{Described, Layout};

use super::{
    ExportRequest,
    array::Named,
    written_file::{WrittenFile, write_file},
};
use crate::error::{Flaw, WeightsError};

/// transformers refuses a file without it.
const PYTORCH: (&str, &str) = ("format", "pt");

/// For PyTorch's libraries.
pub(crate) fn write(
    tensors: Vec<Named>,
    request: &ExportRequest,
) -> Result<Vec<WrittenFile>, WeightsError> {
    write_with_note(&tensors, PYTORCH, request)
}

/// With one note in the header: of several ones the order would change from run to run. The same arrays give the same
/// bytes.
pub(crate) fn write_with_note(
    tensors: &[Named],
    (key, value): (&str, &str),
    request: &ExportRequest,
) -> Result<Vec<WrittenFile>, WeightsError> {
    let stored_as = request.stored_as;
    let described: Vec<_> = tensors
        .iter()
        .map(|(name, array)| Described {
            name: name.clone(),
            dtype: stored_as.dtype(),
            shape: array.shape.clone(),
        })
        .collect();
    let notes = HashMap::from([(key.to_owned(), value.to_owned())]);
    let layout = Layout::new(&described, notes).map_err(|error| {
        let flaw = Flaw::new("header", "one that can be written", error.to_string());
        content(request.output, flaw)
    })?;
    let written = write_file(request.output, layout.bytes(), |file| {
        file.write(layout.header())?;
        layout.order().iter().try_for_each(|&index| {
            let (_, array) = &tensors[index];
            file.write(&stored_as.bytes(&array.values))
        })
    })?;
    Ok(vec![written])
}

fn content(path: &Path, flaw: Flaw) -> WeightsError {
    WeightsError::Content {
        path: path.to_owned(),
        flaw,
    }
}
