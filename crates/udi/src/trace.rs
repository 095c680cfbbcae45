//! A record of what a learner's steps are made of: operations, kernels, copies, and when.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use tch::{Cuda, Device};

use crate::{
    error::{UdiError, expect},
    guard::guard,
    learner::Learner,
};

/// Whether there is a record that has begun: libtorch keeps one in a process.
static UNDER_WAY: AtomicBool = AtomicBool::new(false);

/// A record that has begun. Belongs to the learner's thread.
#[derive(Debug)]
#[must_use]
pub struct Trace {
    record: torch_ext::Trace,
    _only: Only,
}

/// Lets another record begin when it is dropped.
#[derive(Debug)]
struct Only;

impl Only {
    fn take() -> Result<Self, UdiError> {
        let taken = UNDER_WAY.swap(true, Ordering::AcqRel);
        let one = || "one record at a time in a process".to_owned();
        expect(!taken, "trace", one, "another").map(|()| Self)
    }
}

impl Drop for Only {
    fn drop(&mut self) {
        UNDER_WAY.store(false, Ordering::Release);
    }
}

impl Learner {
    /// Begins to record what libtorch is given by this thread, and what the learner's GPU does.
    pub fn begin_trace(&self) -> Result<Trace, UdiError> {
        let only = Only::take()?;
        guard(|| {
            Ok(Trace {
                record: torch_ext::Trace::begin()?,
                _only: only,
            })
        })
    }

    /// Ends a record once the device has done what it was given, and writes it: JSON that chrome://tracing and Perfetto show.
    pub fn finish_trace(&self, trace: Trace, path: &Path) -> Result<(), UdiError> {
        guard(|| {
            if let Device::Cuda(index) = self.config.device {
                Cuda::synchronize(index as i64);
            }
            trace.record.finish(path)?;
            require_whole(path).map_err(|source| UdiError::Io {
                path: path.to_owned(),
                action: "written",
                source,
            })
        })
    }
}

/// libtorch says nothing of a file that it could not write, or only in part.
fn require_whole(path: &Path) -> io::Result<()> {
    let (mut file, mut end) = (File::open(path)?, String::new());
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(16)))?;
    file.read_to_string(&mut end)?;
    match end.trim_end().ends_with('}') {
        true => Ok(()),
        false => Err(io::Error::other(format!("it ends after {length} bytes"))),
    }
}
