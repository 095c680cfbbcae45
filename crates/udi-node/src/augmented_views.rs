//! One view of each image after it was augmented, as its recipe has it, rendered by all of the view threads.

use napi::{
    Env,
    bindgen_prelude::{ClassInstance, PromiseRaw, Uint8Array},
};
use napi_derive::napi;

use crate::{
    evaluation_views::{render_on_threads, rendered},
    failure::{Code, Failure},
    native_image::{ImageData, NativeImage},
    shapes::AugmentedRecipe,
    unfinished_batch::with_renderer,
};

/// Renders a view of each augmented image: `[images, 3, side, side]`.
#[napi(catch_unwind)]
pub fn render_augmented_views<'env>(
    env: &'env Env,
    images: Vec<ClassInstance<NativeImage>>,
    recipes: Vec<AugmentedRecipe>,
    side: u32,
) -> napi::Result<PromiseRaw<'env, Uint8Array>> {
    render_on_threads(env, &images, move |images| {
        rendered(images, side, |index, image, out| {
            render(image, recipes.get(index), out)
        })
    })
}

fn render(
    image: &ImageData,
    recipe: Option<&AugmentedRecipe>,
    out: &mut [u8],
) -> Result<(), Failure> {
    let none = || Failure::new(Code::Argument, "expected a recipe, received none");
    let recipe = udi_views::AugmentedRecipe::try_from(recipe.ok_or_else(none)?)?;
    let image = image.image()?;
    Ok(with_renderer(|renderer| {
        renderer.augmented_view(&image, &recipe, out)
    })?)
}
