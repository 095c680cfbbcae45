//! One view of each image, as its recipe has it.

use napi::{
    Env,
    bindgen_prelude::{PromiseRaw, Uint8Array},
};
use napi_derive::napi;

use crate::{
    failure::Failure,
    guard::guarded,
    reply::Reply,
    shapes::{DecodedImage, ViewRecipe},
    views::{ImageData, Sheet, render_view, start_pool},
};

/// Renders a view of each image: `[images, 3, side, side]`. Images are copied before this returns.
#[napi(catch_unwind)]
pub fn render_crop_views<'env>(
    env: &'env Env,
    images: Vec<DecodedImage>,
    recipes: Vec<ViewRecipe>,
    side: u32,
) -> napi::Result<PromiseRaw<'env, Uint8Array>> {
    let images = ImageData::copy_all(env, &images)?;
    start_pool();
    let (reply, promise) = Reply::new(env)?;
    rayon::spawn(move || {
        let views = guarded(|| crop_views(&images, &recipes, side));
        reply.settle(views.map(Uint8Array::new));
    });
    Ok(promise)
}

fn crop_views(images: &[ImageData], recipes: &[ViewRecipe], side: u32) -> Result<Vec<u8>, Failure> {
    let sheet = Sheet::new(1, "view", side, images);
    sheet.render(|place, _, image, out| render_view(image, recipes.get(place), out))
}
