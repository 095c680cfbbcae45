//! A batch of views that is rendered image by image, each by one of the view threads.

use std::sync::Arc;

use napi::{
    Env,
    bindgen_prelude::{ClassInstance, ObjectFinalize, PromiseRaw},
};
use napi_derive::napi;

use crate::{
    batch::MapData,
    failure::{Code, Failure},
    guard::guarded,
    held::Held,
    native_image::NativeImage,
    reply::Reply,
    shapes::{BatchShape, ImageRecipe, SamplingMaps},
    unfinished_batch::UnfinishedBatch,
    view_batch::ViewBatch,
    view_threads::view_threads,
};

/// A batch of views that is being rendered.
#[napi(custom_finalize)]
pub struct ViewFilling {
    views: Held<UnfinishedBatch>,
}

impl ViewFilling {
    fn views(&self) -> Result<Arc<UnfinishedBatch>, Failure> {
        self.views
            .value("batch: expected one that is being rendered, received one that is done")
    }
}

impl ObjectFinalize for ViewFilling {
    fn finalize(mut self, env: Env) -> napi::Result<()> {
        self.views.release(env)
    }
}

/// Memory for the views of a batch.
#[napi(catch_unwind)]
pub fn open_view_filling(env: Env, shape: BatchShape) -> napi::Result<ViewFilling> {
    let views = UnfinishedBatch::new(shape).and_then(|views| {
        let bytes = views.bytes()?;
        Ok((views, bytes))
    });
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
