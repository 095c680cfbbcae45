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
    render_on_threads(env, &images, move |images| {
        rendered(images, size.crop, |_, image, out| render(image, size, out))
    })
}

/// Runs `work` on the view threads, with the images held until it is done.
pub fn render_on_threads<'env>(
    env: &'env Env,
    images: &[ClassInstance<NativeImage>],
    work: impl FnOnce(&[Arc<ImageData>]) -> Result<Vec<u8>, Failure> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, Uint8Array>> {
    let images: Result<Vec<_>, Failure> = images.iter().map(|image| image.data()).collect();
    let images = images.map_err(|failure| failure.into_napi(env))?;
    let threads = view_threads().map_err(|failure| failure.into_napi(env))?;
    let (reply, promise) = Reply::new(env)?;
    threads.spawn(move || {
        let views = guarded(|| work(&images));
        reply.settle(views.map(Uint8Array::new));
    });
    Ok(promise)
}

/// A view of each image, `[images, 3, side, side]`. `view` gets an image's index, the image and the view's place.
pub fn rendered(
    images: &[Arc<ImageData>],
    side: u32,
    view: impl Fn(usize, &ImageData, &mut [u8]) -> Result<(), Failure> + Sync,
) -> Result<Vec<u8>, Failure> {
    let side = side as usize;
    let area = side.checked_mul(side).and_then(|area| area.checked_mul(3));
    let length = area.and_then(|area| area.checked_mul(images.len()));
    let (Some(area), Some(length)) = (area, length) else {
        let message = format!("expected views that fit in memory, received a side of {side}");
        return Err(Failure::new(Code::Argument, message));
    };
    let mut bytes = room(length)?;
    bytes.resize(length, 0);
    let views = bytes.par_chunks_exact_mut(area.max(1)).zip(images);
    let failed = views.enumerate().find_map_first(|(index, (out, image))| {
        let done = guarded(|| view(index, image, out));
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
