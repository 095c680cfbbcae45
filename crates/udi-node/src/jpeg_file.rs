//! JPEG files decoded by the view threads.

use std::time::Instant;

use napi::{
    Env,
    bindgen_prelude::{PromiseRaw, Uint8ArraySlice},
};
use napi_derive::napi;
use udi_views::decode_jpeg;

use crate::{
    batch::copied, guard::guarded, native_image::NativeImage, reply::Reply,
    view_threads::view_threads,
};

/// Decodes a JPEG file; null where it is not wholly sound, or larger than `max_pixels`. The file is copied before this
/// returns.
#[napi(catch_unwind)]
pub fn decode_jpeg_file<'env>(
    env: &'env Env,
    file: Uint8ArraySlice,
    max_pixels: f64,
) -> napi::Result<PromiseRaw<'env, Option<NativeImage>>> {
    let file = copied(&file).map_err(|failure| failure.into_napi(env))?;
    let threads = view_threads().map_err(|failure| failure.into_napi(env))?;
    let (reply, promise) = Reply::new(env)?;
    threads.spawn(move || {
        let start = Instant::now();
        let decoded = guarded(|| Ok(decode_jpeg(&file, max_pixels as u64)));
        let seconds = start.elapsed().as_secs_f64();
        // A decoder that fails in an unforeseen way has not decoded: another may.
        reply.settle_with(Ok(decoded.unwrap_or(None)), move |env, decoded| {
            let image = decoded.map(|jpeg| NativeImage::new(env, jpeg.into(), seconds));
            image.transpose()
        });
    });
    Ok(promise)
}
