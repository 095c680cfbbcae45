//! Batches of rendered views in native memory.

use std::sync::Arc;

use napi::{Env, bindgen_prelude::ObjectFinalize};
use napi_derive::napi;
use udi_views::RenderTime;

use crate::{batch::BatchData, failure::Failure, held::Held};

/// A batch of rendered views in native memory.
#[napi(custom_finalize)]
pub struct ViewBatch {
    data: Held<BatchData>,
    time: RenderTime,
}

/// Seconds of one core that a batch took.
#[napi(object, object_from_js = false)]
pub struct RenderSeconds {
    /// Crop, resize and flip.
    pub resize: f64,
    /// Jitter, grey, blur and solarisation.
    pub photometric: f64,
}

impl ViewBatch {
    /// A handle of rendered views.
    pub fn new(env: Env, data: BatchData, time: RenderTime) -> napi::Result<Self> {
        let bytes = data.bytes();
        Ok(Self {
            data: Held::new(env, data, bytes)?,
            time,
        })
    }

    /// The views; steps that are under way keep them when the handle is disposed of.
    pub fn data(&self) -> Result<Arc<BatchData>, Failure> {
        self.data
            .value("batch: expected views in memory, received a ViewBatch that was disposed of")
    }
}

impl ObjectFinalize for ViewBatch {
    fn finalize(mut self, env: Env) -> napi::Result<()> {
        self.data.release(env)
    }
}

#[napi]
impl ViewBatch {
    /// Size of the views and maps in memory.
    #[napi(getter, catch_unwind)]
    pub fn bytes(&self) -> i64 {
        self.data.bytes()
    }

    /// Seconds that rendering took, summed over the threads.
    #[napi(getter, catch_unwind)]
    pub fn seconds(&self) -> RenderSeconds {
        RenderSeconds {
            resize: self.time.resize.as_secs_f64(),
            photometric: self.time.photometric.as_secs_f64(),
        }
    }

    /// Frees the memory, now or when the last step that uses it is done.
    #[napi(catch_unwind)]
    pub fn dispose(&mut self, env: Env) -> napi::Result<()> {
        self.data.release(env)
    }
}
