//! Files of an export: on the disk, with their checksum, whole or not at all.

use std::{
    io,
    path::{Path, PathBuf},
};

use weight_file::HashedFile;

use crate::error::WeightsError;

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Creates a file of so many bytes, which `fill` writes.
pub(crate) fn write_file(
    path: &Path,
    bytes: usize,
    fill: impl FnOnce(&mut HashedFile) -> io::Result<()>,
) -> Result<WrittenFile, WeightsError> {
    let write = || {
        let mut file = HashedFile::create(path, bytes)?;
        fill(&mut file)?;
        file.finish()
    };
    let written = write().map_err(|source| WeightsError::Io {
        path: path.to_owned(),
        action: "written",
        source,
    })?;
    Ok(WrittenFile {
        path: path.to_owned(),
        bytes: written.bytes,
        sha256: written.sha256,
    })
}
