//! One view of each image, as its recipe has it, rendered by all of the view threads.

use std::sync::Arc;

use napi::{
    Env,
    bindgen_prelude::{ClassInstance, PromiseRaw, Uint8Array},
};
use napi_derive::napi;

use crate::{
    evaluation_views::{render_on_threads, rendered},
    failure::Failure,
    native_image::{ImageData, NativeImage},
    shapes::ViewRecipe,
    unfinished_batch::render_view,
};

/// Renders a view of each image: `[images, 3, side, side]`.
#[napi(catch_unwind)]
pub fn render_crop_views<'env>(
    env: &'env Env,
    images: Vec<ClassInstance<NativeImage>>,
    recipes: Vec<ViewRecipe>,
    side: u32,
) -> napi::Result<PromiseRaw<'env, Uint8Array>> {
    render_on_threads(env, &images, move |images| {
        crop_views(images, &recipes, side)
    })
}

fn crop_views(
    images: &[Arc<ImageData>],
    recipes: &[ViewRecipe],
    side: u32,
) -> Result<Vec<u8>, Failure> {
    rendered(images, side, |index, image, out| {
        render_view(image, recipes.get(index), out)?;
        Ok(())
    })
}
