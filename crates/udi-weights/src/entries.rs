//! Tensors of a safetensors file that is written one tensor after the other.

use std::{borrow::Cow, collections::HashMap, io, path::Path};

use safetensors::Dtype;
use weight_file::{Described, HashedFile, Layout, Written};

use crate::{checkpoint::Checkpoint, derived::Derived, error::WeightsError, numbers, shape::Named};

/// Tensors to be written.
#[derive(Default)]
pub(crate) struct Entries(Vec<Entry>);

/// One of them.
struct Entry {
    name: String,
    content: EntryContent,
}

enum EntryContent {
    Values(Derived),
    /// A row of numbers of 8 bytes.
    Wide(Dtype, Vec<u8>),
}

impl Entry {
    fn described(&self) -> Described {
        let (dtype, shape) = match &self.content {
            EntryContent::Values(derived) => (Dtype::F32, derived.shape()),
            EntryContent::Wide(dtype, bytes) => (*dtype, vec![bytes.len() / 8]),
        };
        Described {
            name: self.name.clone(),
            dtype,
            shape,
        }
    }
}

impl Entries {
    pub fn add(&mut self, name: String, values: Derived) {
        let content = EntryContent::Values(values);
        self.0.push(Entry { name, content });
    }

    pub fn add_all(&mut self, prefix: &str, network: &Named) {
        for (name, values) in network {
            self.add(format!("{prefix}.{name}"), values.clone());
        }
    }

    pub fn add_wide(&mut self, name: &str, dtype: Dtype, bytes: impl IntoIterator<Item = u8>) {
        let content = EntryContent::Wide(dtype, bytes.into_iter().collect());
        let name = name.to_owned();
        self.0.push(Entry { name, content });
    }
}

impl Checkpoint {
    pub(crate) fn write(
        &self,
        entries: &Entries,
        (key, value): (&str, &str),
        path: &Path,
    ) -> Result<Written, WeightsError> {
        let unwritten = |source| WeightsError::Io {
            path: path.to_owned(),
            action: "written",
            source,
        };
        let described: Vec<_> = entries.0.iter().map(Entry::described).collect();
        let metadata = HashMap::from([(key.to_owned(), value.to_owned())]);
        let layout = Layout::new(&described, metadata)
            .map_err(|error| unwritten(io::Error::other(error)))?;
        let mut file = HashedFile::create(path, layout.bytes()).map_err(unwritten)?;
        file.write(layout.header()).map_err(unwritten)?;
        for &index in layout.order() {
            let bytes = self.bytes(&entries.0[index])?;
            file.write(&bytes).map_err(unwritten)?;
        }
        file.finish().map_err(unwritten)
    }

    fn bytes<'a>(&self, entry: &'a Entry) -> Result<Cow<'a, [u8]>, WeightsError> {
        match &entry.content {
            EntryContent::Wide(_, bytes) => Ok(Cow::Borrowed(bytes)),
            EntryContent::Values(derived) => {
                let values = derived.values(&entry.name, &self.file);
                let values = values.map_err(|flaw| self.flawed(flaw))?;
                Ok(Cow::Owned(numbers::to_bytes(&values)))
            }
        }
    }
}
