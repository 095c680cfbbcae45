//! A record of what libtorch and its devices do and when, for a person to look at.

use std::{
    ffi::{CString, c_char},
    marker::PhantomData,
    path::Path,
};

use tch::TchError;

use crate::shim::outcome;

unsafe extern "C" {
    fn udi_begin_trace() -> *mut c_char;
    fn udi_finish_trace(path: *const c_char) -> *mut c_char;
}

/// A record that has begun: operations of this thread, kernels and copies of its GPUs. One at a time in a process.
#[derive(Debug)]
#[must_use]
pub struct Trace {
    /// libtorch keeps it for the thread.
    _of_thread: PhantomData<*const ()>,
}

impl Trace {
    /// Begins.
    pub fn begin() -> Result<Self, TchError> {
        // SAFETY: it takes nothing.
        outcome(unsafe { udi_begin_trace() })?;
        Ok(Self {
            _of_thread: PhantomData,
        })
    }

    /// Ends, and writes the record: JSON that chrome://tracing and Perfetto show.
    pub fn finish(self, path: &Path) -> Result<(), TchError> {
        let text = path.to_string_lossy().into_owned();
        let text = CString::new(text).map_err(|error| TchError::Torch(error.to_string()))?;
        // SAFETY: the path ends in 0 and lives until the call returns; the trace began on this thread.
        outcome(unsafe { udi_finish_trace(text.as_ptr()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, process};
    use tch::{Device, Kind, Tensor};

    #[test]
    fn a_record_names_the_operations_of_its_time() {
        let before = Tensor::ones([3], (Kind::Float, Device::Cpu)).cumsum(0, Kind::Float);
        let trace = Trace::begin().unwrap();
        let _ = before.logcumsumexp(0);
        let path = env::temp_dir().join(format!("udi-trace-{}.json", process::id()));
        trace.finish(&path).unwrap();
        let record = fs::read_to_string(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(record.contains("aten::logcumsumexp"));
        assert!(!record.contains("aten::cumsum"));
    }
}
