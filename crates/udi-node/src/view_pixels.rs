//! Rendered views copied back out, for those who look at them.

use napi::{Env, bindgen_prelude::Uint8Array};
use napi_derive::napi;

use crate::{
    batch::{PixelData, ViewData, copied},
    failure::{Code, Failure},
    view_batch::ViewBatch,
};

/// RGB views, 0-255.
#[napi(object, object_from_js = false)]
pub struct ViewPixels {
    /// `[2, B, 3, G, G]`
    pub global_views: Uint8Array,
    /// `[L, B, 3, S, S]`
    pub local_views: Uint8Array,
}

#[napi]
impl ViewBatch {
    /// Copies of the views.
    #[napi(catch_unwind)]
    pub fn pixels(&self, env: &Env) -> napi::Result<ViewPixels> {
        self.copied_views()
            .map_err(|failure| failure.into_napi(env))
    }
}

impl ViewBatch {
    fn copied_views(&self) -> Result<ViewPixels, Failure> {
        let data = self.data()?;
        let ViewData::Pixels { globals, locals } = &data.views else {
            let message = "batch: expected rendered views, received recipes for a device";
            return Err(Failure::new(Code::Argument, message));
        };
        Ok(ViewPixels {
            global_views: copied_bytes(globals)?,
            local_views: copied_bytes(locals)?,
        })
    }
}

fn copied_bytes(pixels: &PixelData) -> Result<Uint8Array, Failure> {
    match pixels {
        PixelData::Bytes(bytes) => Ok(Uint8Array::new(copied(bytes)?)),
        PixelData::Floats(_) => {
            let message = "batch: expected views of bytes, received views that are normalised";
            Err(Failure::new(Code::Argument, message))
        }
    }
}
