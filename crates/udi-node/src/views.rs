//! Views rendered off JavaScript's thread, on rayon's threads.

use std::sync::Arc;

use napi::{
    Env,
    bindgen_prelude::{ObjectFinalize, PromiseRaw, Uint8Array},
};
use napi_derive::napi;
use rayon::prelude::*;
use udi_views::Image;

use crate::{
    batch::{BatchData, MapData, PixelData, copied, room},
    failure::{Code, Failure},
    guard::guarded,
    reply::Reply,
    shapes::{BatchShape, DecodedImage, EvaluationSize, ImageRecipe, SamplingMaps, ViewRecipe},
};

/// A batch of rendered views in native memory.
#[napi(custom_finalize)]
pub struct ViewBatch {
    /// None: disposed of.
    data: Option<Arc<BatchData>>,
    /// Bytes that V8 was told of.
    reported: i64,
}

impl ViewBatch {
    /// Tells V8 of the memory, so that it collects handles that nobody disposes of.
    fn new(env: Env, data: BatchData) -> napi::Result<Self> {
        let reported = i64::try_from(data.bytes()).unwrap_or(i64::MAX);
        env.adjust_external_memory(reported)?;
        Ok(Self {
            data: Some(Arc::new(data)),
            reported,
        })
    }

    /// The views; steps that are under way keep them when the handle is disposed of.
    pub fn data(&self) -> Result<Arc<BatchData>, Failure> {
        let message = "batch: expected views in memory, received a ViewBatch that was disposed of";
        let disposed = || Failure::new(Code::Argument, message);
        self.data.clone().ok_or_else(disposed)
    }

    fn release(&mut self, env: Env) -> napi::Result<()> {
        if self.data.take().is_some() {
            env.adjust_external_memory(-self.reported)?;
        }
        Ok(())
    }
}

impl ObjectFinalize for ViewBatch {
    fn finalize(mut self, env: Env) -> napi::Result<()> {
        self.release(env)
    }
}

#[napi]
impl ViewBatch {
    /// Size of the views and maps in memory.
    #[napi(getter, catch_unwind)]
    pub fn bytes(&self) -> i64 {
        self.reported
    }

    /// Frees the memory, now or when the last step that uses it is done.
    #[napi(catch_unwind)]
    pub fn dispose(&mut self, env: Env) -> napi::Result<()> {
        self.release(env)
    }
}

/// An image copied out of JavaScript's memory.
pub(crate) struct ImageData {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
}

impl ImageData {
    fn copy(image: &DecodedImage) -> Result<Self, Failure> {
        Ok(Self {
            pixels: copied(&image.pixels)?,
            width: image.width,
            height: image.height,
        })
    }

    pub(crate) fn copy_all(env: &Env, images: &[DecodedImage]) -> napi::Result<Vec<Self>> {
        let copies: Result<_, _> = images.iter().map(Self::copy).collect();
        copies.map_err(|failure: Failure| failure.into_napi(env))
    }

    fn image(&self) -> Result<Image<'_>, Failure> {
        Ok(Image::new(&self.pixels, self.width, self.height)?)
    }
}

/// Renders the views of a batch. Images and maps are copied before this returns.
#[napi(catch_unwind)]
pub fn render_views<'env>(
    env: &'env Env,
    shape: BatchShape,
    images: Vec<DecodedImage>,
    recipes: Vec<ImageRecipe>,
    maps: Option<SamplingMaps>,
) -> napi::Result<PromiseRaw<'env, ViewBatch>> {
    let images = ImageData::copy_all(env, &images)?;
    let maps = maps.as_ref().map(MapData::copy).transpose();
    let maps = maps.map_err(|failure| failure.into_napi(env))?;
    start_pool();
    let (reply, promise) = Reply::new(env)?;
    rayon::spawn(move || {
        let batch = guarded(|| render_batch(shape, &images, &recipes, maps));
        reply.settle_with(batch, ViewBatch::new);
    });
    Ok(promise)
}

/// Renders evaluation views: `[images, 3, crop, crop]`. Images are copied before this returns.
#[napi(catch_unwind)]
pub fn render_evaluation_views<'env>(
    env: &'env Env,
    images: Vec<DecodedImage>,
    size: EvaluationSize,
) -> napi::Result<PromiseRaw<'env, Uint8Array>> {
    let images = ImageData::copy_all(env, &images)?;
    start_pool();
    let (reply, promise) = Reply::new(env)?;
    rayon::spawn(move || {
        let views = guarded(|| evaluation_views(&images, size));
        reply.settle(views.map(Uint8Array::new));
    });
    Ok(promise)
}

/// rayon panics where its threads cannot be started: to be found out before there is a promise, which would be left.
pub(crate) fn start_pool() {
    rayon::current_num_threads();
}

fn render_batch(
    shape: BatchShape,
    images: &[ImageData],
    recipes: &[ImageRecipe],
    maps: Option<MapData>,
) -> Result<BatchData, Failure> {
    let (globals, locals) = rayon::join(
        || {
            let sheet = Sheet::new(2, "global view", shape.global_size, images);
            sheet.render(|image, index, pixels, out| {
                let recipe = recipes
                    .get(image)
                    .and_then(|image| image.globals.get(index));
                render_view(pixels, recipe, out)
            })
        },
        || {
            let sheet = Sheet::new(shape.local_crops, "local view", shape.local_size, images);
            sheet.render(|image, index, pixels, out| {
                let recipe = recipes.get(image).and_then(|image| image.locals.get(index));
                render_view(pixels, recipe, out)
            })
        },
    );
    Ok(BatchData {
        shape: shape.into(),
        global_views: PixelData::Bytes(globals?),
        local_views: PixelData::Bytes(locals?),
        maps,
    })
}

pub(crate) fn render_view(
    image: &Image,
    recipe: Option<&ViewRecipe>,
    out: &mut [u8],
) -> Result<(), Failure> {
    let none = || Failure::new(Code::Argument, "expected a recipe, received none");
    let recipe = udi_views::ViewRecipe::try_from(recipe.ok_or_else(none)?)?;
    Ok(udi_views::render(image, &recipe, out)?)
}

fn evaluation_views(images: &[ImageData], size: EvaluationSize) -> Result<Vec<u8>, Failure> {
    let sheet = Sheet::new(1, "evaluation view", size.crop, images);
    sheet.render(|_, _, image, out| {
        Ok(udi_views::evaluation_view(
            image,
            size.resize_to,
            size.crop,
            out,
        )?)
    })
}

/// `[count, images, 3, side, side]` bytes to be rendered.
pub(crate) struct Sheet<'a> {
    /// Views of each image.
    count: u32,
    /// What a view is called in an error.
    name: &'static str,
    side: u32,
    images: &'a [ImageData],
}

impl<'a> Sheet<'a> {
    pub(crate) fn new(count: u32, name: &'static str, side: u32, images: &'a [ImageData]) -> Self {
        Self {
            count,
            name,
            side,
            images,
        }
    }

    /// Calls `render(image, index, pixels, out)` for every view, on all of rayon's threads. The
    /// failure of the first view that failed.
    pub(crate) fn render<R>(&self, render: R) -> Result<Vec<u8>, Failure>
    where
        R: Fn(usize, usize, &Image, &mut [u8]) -> Result<(), Failure> + Sync,
    {
        let area = self.bytes(&[3, self.side as usize, self.side as usize])?;
        let length = self.bytes(&[self.count as usize, self.images.len(), area])?;
        let mut bytes = room(length)?;
        bytes.resize(length, 0);
        let view = |(place, out): (usize, &mut [u8])| {
            let (index, image) = (place / self.images.len(), place % self.images.len());
            let done = guarded(|| render(image, index, &self.images[image].image()?, out));
            let failure = done.err()?;
            Some(failure.within(&format!("image {image}, {} {index}", self.name)))
        };
        let views = bytes.par_chunks_exact_mut(area.max(1)).enumerate();
        match views.find_map_first(view) {
            Some(failure) => Err(failure),
            None => Ok(bytes),
        }
    }

    fn bytes(&self, extents: &[usize]) -> Result<usize, Failure> {
        let product = |bytes: usize, &extent| bytes.checked_mul(extent);
        let bytes = extents.iter().try_fold(1, product);
        let message = || {
            let (count, name, side) = (self.count, self.name, self.side);
            format!("expected views that fit in memory, received {count} x {name} of side {side}")
        };
        bytes.ok_or_else(|| Failure::new(Code::Argument, message()))
    }
}
