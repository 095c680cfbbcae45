//! A file that is there whole or not at all, and its SHA-256.

use std::{
    fs::Permissions,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

/// Hashed, then written, piece by piece: what was just hashed is still in a core's cache.
const PIECE_BYTES: usize = 1 << 20;

/// What may wait in the page cache, so that the disk is kept busy evenly and not all at the end.
const UNFLUSHED_BYTES: usize = 32 << 20;

/// A file under a temporary name, until it is finished. Dropped before, it leaves nothing behind.
#[derive(Debug)]
pub struct HashedFile {
    file: NamedTempFile,
    path: PathBuf,
    hash: Sha256,
    bytes: u64,
    unflushed: usize,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

impl HashedFile {
    /// Begins a file of so many bytes beside `path`. A disk without room for them is an error at once.
    pub fn create(path: &Path, bytes: usize) -> io::Result<Self> {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        // As any new file: the user's umask takes from it what others shall not have.
        let file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        reserve(&file, bytes)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            hash: Sha256::new(),
            bytes: 0,
            unflushed: 0,
        })
    }

    /// Appends.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_paced(bytes, &mut || {})
    }

    /// Appends, and calls `between` after each mebibyte, where a writer may rest.
    pub fn write_paced(&mut self, bytes: &[u8], between: &mut dyn FnMut()) -> io::Result<()> {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.hash.update(piece);
            self.file.write_all(piece)?;
            self.bytes += piece.len() as u64;
            self.unflushed += piece.len();
            if self.unflushed >= UNFLUSHED_BYTES {
                self.file.as_file().sync_data()?;
                self.unflushed = 0;
            }
            between();
        }
        Ok(())
    }

    /// Flushes the file to the disk and gives it its name.
    pub fn finish(self) -> io::Result<Written> {
        self.file.as_file().sync_all()?;
        self.file
            .persist(&self.path)
            .map_err(|failed| failed.error)?;
        let digest = self.hash.finalize();
        Ok(Written {
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            bytes: self.bytes,
        })
    }
}

/// Takes the room before anything is written. Where a file system cannot do that, a full disk shows later.
fn reserve(file: &NamedTempFile, bytes: usize) -> io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    match fallocate(file, FallocateFlags::empty(), 0, bytes as u64) {
        Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => {
            let error = io::Error::from(error);
            let told = format!("{error}; it takes {bytes} bytes");
            Err(io::Error::new(error.kind(), told))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_finished_file_has_its_bytes_and_their_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        let mut file = HashedFile::create(&path, 3).unwrap();
        file.write(b"a").unwrap();
        file.write(b"bc").unwrap();
        let written = file.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abc");
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((written.sha256.as_str(), written.bytes), (known, 3));
    }

    #[test]
    fn a_file_that_is_not_finished_leaves_the_old_one_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::write(&path, "old").unwrap();
        let mut file = HashedFile::create(&path, 3).unwrap();
        file.write(b"new").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn more_than_any_disk_holds_is_an_error_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let error = HashedFile::create(&folder.path().join("state"), 1 << 62).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("it takes 4611686018427387904 bytes"),
            "{error}"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
