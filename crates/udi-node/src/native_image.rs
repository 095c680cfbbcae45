//! Decoded images in native memory.

use std::sync::Arc;

use napi::{
    Env,
    bindgen_prelude::{ObjectFinalize, Uint8Array, Uint8ArraySlice},
};
use napi_derive::napi;
use udi_views::{DecodedJpeg, Image, ViewError};

use crate::{
    batch::{copied, room},
    failure::Failure,
    held::Held,
};

/// Interleaved RGB pixels, 8 bits.
pub struct ImageData {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
}

impl From<DecodedJpeg> for ImageData {
    fn from(jpeg: DecodedJpeg) -> Self {
        Self {
            pixels: jpeg.pixels,
            width: jpeg.width,
            height: jpeg.height,
        }
    }
}

impl ImageData {
    /// Size in memory.
    pub fn bytes(&self) -> usize {
        self.pixels.len()
    }

    /// Borrows the pixels for the renderer.
    pub fn image(&self) -> Result<Image<'_>, ViewError> {
        Image::new(&self.pixels, self.width, self.height)
    }
}

/// A decoded image in native memory.
#[napi(custom_finalize)]
pub struct NativeImage {
    data: Held<ImageData>,
    width: u32,
    height: u32,
    decode_seconds: f64,
}

impl NativeImage {
    /// A handle of an image.
    pub fn new(env: Env, data: ImageData, decode_seconds: f64) -> napi::Result<Self> {
        let (width, height, bytes) = (data.width, data.height, data.pixels.len());
        Ok(Self {
            data: Held::new(env, data, bytes)?,
            width,
            height,
            decode_seconds,
        })
    }

    /// The pixels; work that is under way keeps them when the handle is disposed of.
    pub fn data(&self) -> Result<Arc<ImageData>, Failure> {
        self.data
            .value("image: expected pixels in memory, received an image that was disposed of")
    }
}

impl ObjectFinalize for NativeImage {
    fn finalize(mut self, env: Env) -> napi::Result<()> {
        self.data.release(env)
    }
}

#[napi]
impl NativeImage {
    /// Columns.
    #[napi(getter, catch_unwind)]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    #[napi(getter, catch_unwind)]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Size in memory.
    #[napi(getter, catch_unwind)]
    pub fn bytes(&self) -> i64 {
        self.data.bytes()
    }

    /// Seconds of one core that decoding took; 0 where it was decoded elsewhere.
    #[napi(getter, catch_unwind)]
    pub fn decode_seconds(&self) -> f64 {
        self.decode_seconds
    }

    /// A copy of the pixels: `[height, width, 3]`.
    #[napi(catch_unwind)]
    pub fn pixels(&self, env: &Env) -> napi::Result<Uint8Array> {
        let copy = self.data().and_then(|data| copied(&data.pixels));
        copy.map(Uint8Array::new)
            .map_err(|failure| failure.into_napi(env))
    }

    /// Frees the memory, now or when the last work that uses it is done.
    #[napi(catch_unwind)]
    pub fn dispose(&mut self, env: Env) -> napi::Result<()> {
        self.data.release(env)
    }
}

/// An image whose pixels are copied out of JavaScript's memory part by part.
#[napi]
pub struct ImageWriter {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
}

/// Memory for an image.
#[napi(catch_unwind)]
pub fn open_image(env: &Env, width: u32, height: u32) -> napi::Result<ImageWriter> {
    let pixels = room(3 * width as usize * height as usize);
    Ok(ImageWriter {
        pixels: pixels.map_err(|failure| failure.into_napi(env))?,
        width,
        height,
    })
}

#[napi]
impl ImageWriter {
    /// Copies the pixels that follow those already there.
    #[napi(catch_unwind)]
    pub fn append(&mut self, part: Uint8ArraySlice) {
        self.pixels.extend_from_slice(&part);
    }

    /// The image; it must be whole.
    #[napi(catch_unwind)]
    pub fn finish(&mut self, env: Env) -> napi::Result<NativeImage> {
        let data = ImageData {
            pixels: std::mem::take(&mut self.pixels),
            width: self.width,
            height: self.height,
        };
        data.image()
            .map_err(|error| Failure::from(error).into_napi(&env))?;
        NativeImage::new(env, data, 0.0)
    }
}
