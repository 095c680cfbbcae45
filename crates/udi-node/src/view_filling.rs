//! A batch of views that is rendered image by image, each by one of the view threads.

use std::sync::Arc;

use napi::{
    Env,
    bindgen_prelude::{ClassInstance, ObjectFinalize, PromiseRaw},
};
use napi_derive::napi;
use udi_views::RenderTime;

use crate::{
    batch::{BatchData, MapData},
    failure::{Code, Failure},
    guard::guarded,
    held::Held,
    native_image::{ImageData, NativeImage},
    reply::Reply,
    shapes::{BatchShape, ImageRecipe, SamplingMaps},
    unfinished_batch::UnfinishedBatch,
    unfinished_recipes::UnfinishedRecipes,
    view_batch::ViewBatch,
    view_threads::view_threads,
};

/// A batch that is being filled.
enum Unfinished {
    /// With views, rendered here.
    Views(UnfinishedBatch),
    /// With recipes, for the learner's device.
    Recipes(UnfinishedRecipes),
}

impl Unfinished {
    /// A batch of this shape, and its size in memory so far.
    fn new(shape: BatchShape, executor: &str) -> Result<(Self, usize), Failure> {
        match executor {
            "cpu" => {
                let views = UnfinishedBatch::new(shape)?;
                let bytes = views.bytes()?;
                Ok((Self::Views(views), bytes))
            }
            "device" => Ok((Self::Recipes(UnfinishedRecipes::new(shape)), 0)),
            other => {
                let message = format!("executor: expected cpu or device, received {other:?}");
                Err(Failure::new(Code::Argument, message))
            }
        }
    }

    fn fill(
        &self,
        place: u32,
        image: &Arc<ImageData>,
        recipe: &ImageRecipe,
    ) -> Result<(), Failure> {
        match self {
            Self::Views(views) => views.fill(place, image, recipe),
            Self::Recipes(recipes) => recipes.fill(place, image, recipe),
        }
    }

    fn into_batch(self, maps: Option<MapData>) -> Option<(BatchData, RenderTime)> {
        match self {
            Self::Views(views) => views.into_batch(maps),
            Self::Recipes(recipes) => Some((recipes.into_batch(maps)?, RenderTime::default())),
        }
    }
}

/// A batch of views that is being rendered.
#[napi(custom_finalize)]
pub struct ViewFilling {
    views: Held<Unfinished>,
}

impl ViewFilling {
    fn views(&self) -> Result<Arc<Unfinished>, Failure> {
        self.views
            .value("batch: expected one that is being rendered, received one that is done")
    }
}

impl ObjectFinalize for ViewFilling {
    fn finalize(mut self, env: Env) -> napi::Result<()> {
        self.views.release(env)
    }
}

/// Memory for the views of a batch; with the executor `device`, for its images and recipes.
#[napi(catch_unwind)]
pub fn open_view_filling(
    env: Env,
    shape: BatchShape,
    #[napi(ts_arg_type = "'cpu' | 'device'")] executor: String,
) -> napi::Result<ViewFilling> {
    let views = Unfinished::new(shape, &executor);
    let (views, bytes) = views.map_err(|failure| failure.into_napi(&env))?;
    Ok(ViewFilling {
        views: Held::new(env, views, bytes)?,
    })
}

#[napi]
impl ViewFilling {
    /// Renders the views of one image into its place, on one of the view threads. Resolves when they are done.
    #[napi(catch_unwind)]
    pub fn fill<'env>(
        &self,
        env: &'env Env,
        place: u32,
        image: ClassInstance<NativeImage>,
        recipe: ImageRecipe,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let started = self.views().and_then(|views| {
            let threads = view_threads()?;
            Ok((views, image.data()?, threads))
        });
        let (views, image, threads) = started.map_err(|failure| failure.into_napi(env))?;
        let (reply, promise) = Reply::new(env)?;
        threads.spawn(move || {
            let filled = guarded(|| views.fill(place, &image, &recipe));
            // Let go before JavaScript hears of it, so that it may finish the batch.
            drop((views, image));
            reply.settle(filled);
        });
        Ok(promise)
    }

    /// The batch, when all of its views are rendered. Maps are copied before this returns.
    #[napi(catch_unwind)]
    pub fn finish(&mut self, env: Env, maps: Option<SamplingMaps>) -> napi::Result<ViewBatch> {
        let taken = self.views().and_then(|views| {
            let maps = maps.as_ref().map(MapData::copy).transpose()?;
            Ok((views, maps))
        });
        let (views, maps) = taken.map_err(|failure| failure.into_napi(&env))?;
        self.views.release(env)?;
        let batch = Arc::into_inner(views).and_then(|views| views.into_batch(maps));
        let (data, time) = batch.ok_or_else(|| {
            let message =
                "batch: expected one whose views are rendered, received one with views under way";
            Failure::new(Code::Argument, message).into_napi(&env)
        })?;
        ViewBatch::new(env, data, time)
    }

    /// Frees the memory, now or when the views under way are done.
    #[napi(catch_unwind)]
    pub fn dispose(&mut self, env: Env) -> napi::Result<()> {
        self.views.release(env)
    }
}
