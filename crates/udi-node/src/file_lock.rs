//! A lock that the kernel takes back when its process ends, however it ends.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use napi::Env;
use napi_derive::napi;
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::failure::{Code, Failure};

/// A file that this process has locked.
#[napi]
pub struct FileLock {
    path: PathBuf,
    /// None: given back.
    file: Mutex<Option<File>>,
}

/// Makes the file where there is none, and locks it. Null: another one has locked it.
#[napi(catch_unwind)]
pub fn lock_file(env: &Env, file: String) -> napi::Result<Option<FileLock>> {
    lock(PathBuf::from(file)).map_err(|failure| failure.into_napi(env))
}

fn lock(path: PathBuf) -> Result<Option<FileLock>, Failure> {
    let failed = |error: io::Error| {
        Failure::of(Code::Run, &error).within(&format!("{} cannot be locked", path.display()))
    };
    loop {
        let mut options = File::options();
        let file = options.read(true).append(true).create(true).open(&path);
        let file = file.map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(failed(error.into())),
        }
        // Between opening and locking, the one that had it may have removed it: then nobody else would meet this lock.
        if is_at(&file, &path).map_err(failed)? {
            let file = Mutex::new(Some(file));
            return Ok(Some(FileLock { path, file }));
        }
    }
}

fn is_at(file: &File, path: &PathBuf) -> io::Result<bool> {
    let held = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[napi]
impl FileLock {
    /// Gives it back and removes the file.
    #[napi(catch_unwind)]
    pub fn release(&self) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = file.take() {
            // Still locked here, so that nobody who has locked it loses it. One that stays is no obstacle.
            let _ = fs::remove_file(&self.path);
            drop(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{env, process};

    use super::*;

    fn place(name: &str) -> PathBuf {
        env::temp_dir().join(format!("udi-lock-{}-{name}", process::id()))
    }

    #[test]
    fn a_lock_is_had_once_and_leaves_no_file_when_given_back() {
        let path = place("once");
        let first = lock(path.clone()).unwrap().unwrap();
        assert!(lock(path.clone()).unwrap().is_none());
        first.release();
        assert!(!path.exists());
        let second = lock(path.clone()).unwrap().unwrap();
        first.release();
        assert!(
            path.exists(),
            "giving back twice takes nothing from the next one"
        );
        second.release();
    }

    #[test]
    fn a_file_that_a_killed_process_left_is_no_lock() {
        let path = place("left");
        fs::write(&path, "somebody").unwrap();
        lock(path).unwrap().unwrap().release();
    }

    #[test]
    fn a_folder_that_does_not_exist_is_an_error_that_names_the_file() {
        let failure = lock(place("none").join("run.lock")).err().unwrap();
        assert!(
            failure.message.contains("run.lock cannot be locked"),
            "{}",
            failure.message
        );
    }
}
