//! Evaluation views, rendered by all of the view threads.

use std::sync::Arc;

use napi::{
    Env,
    bindgen_prelude::{ClassInstance, PromiseRaw, Uint8Array},
};
use napi_derive::napi;
use rayon::prelude::*;

use crate::{
    batch::room,
    failure::{Code, Failure},
    guard::guarded,
    native_image::{ImageData, NativeImage},
    reply::Reply,
    shapes::EvaluationSize,
    unfinished_batch::with_renderer,
    view_threads::view_threads,
};

/// Renders evaluation views: `[images, 3, crop, crop]`.
#[napi(catch_unwind)]
pub fn render_evaluation_views<'env>(
    env: &'env Env,
    images: Vec<ClassInstance<NativeImage>>,
    size: EvaluationSize,
) -> napi::Result<PromiseRaw<'env, Uint8Array>> {
    let images: Result<Vec<_>, Failure> = images.iter().map(|image| image.data()).collect();
    let images = images.map_err(|failure| failure.into_napi(env))?;
    let threads = view_threads().map_err(|failure| failure.into_napi(env))?;
    let (reply, promise) = Reply::new(env)?;
    threads.spawn(move || {
        let views = guarded(|| evaluation_views(&images, size));
        reply.settle(views.map(Uint8Array::new));
    });
    Ok(promise)
}

fn evaluation_views(images: &[Arc<ImageData>], size: EvaluationSize) -> Result<Vec<u8>, Failure> {
    let side = size.crop as usize;
    let area = side.checked_mul(side).and_then(|area| area.checked_mul(3));
    let length = area.and_then(|area| area.checked_mul(images.len()));
    let (Some(area), Some(length)) = (area, length) else {
        let message = format!("expected views that fit in memory, received a crop of {side}");
        return Err(Failure::new(Code::Argument, message));
    };
    let mut bytes = room(length)?;
    bytes.resize(length, 0);
    let views = bytes.par_chunks_exact_mut(area.max(1)).zip(images);
    let failed = views.enumerate().find_map_first(|(index, (out, image))| {
        let done = guarded(|| render(image, size, out));
        Some(done.err()?.within(&format!("image {index}")))
    });
    match failed {
        Some(failure) => Err(failure),
        None => Ok(bytes),
    }
}

fn render(image: &ImageData, size: EvaluationSize, out: &mut [u8]) -> Result<(), Failure> {
    let image = image.image()?;
    Ok(with_renderer(|renderer| {
        renderer.evaluation_view(&image, size.resize_to, size.crop, out)
    })?)
}
