//! The encoder: one frozen backbone on one native thread.

use napi::{
    Env,
    bindgen_prelude::{Float32Array, PromiseRaw, ToNapiValue},
};
use napi_derive::napi;
use udi::{Encoder as Backbone, EncoderConfig};
use udi_weights::Checkpoint;

use crate::{
    batch::ImagesData,
    convert::{device, precision, queries},
    failure::{Code, Failure},
    guard::guarded,
    shapes::{EncoderModel, EncoderOptions, ImageBatch},
    thread::{self, Handle, Underway},
    weights::{branch, given_backbone, opened},
};

impl Underway for Backbone {}

/// A frozen backbone on its own thread. Calls are queued and run in order; each gives a promise.
#[napi]
pub struct Encoder {
    thread: Handle<Backbone>,
    model: EncoderModel,
}

/// Starts a thread and makes a backbone there of a network in a file of weights.
#[napi(catch_unwind)]
pub fn open_encoder(env: &Env, options: EncoderOptions) -> napi::Result<PromiseRaw<'_, Encoder>> {
    let (thread, inbox) = thread::line();
    thread::start(
        env,
        "udi-encoder",
        inbox,
        move |inbox, reply| match guarded(|| open(&options)) {
            Ok(backbone) => {
                let model = EncoderModel::from(backbone.config());
                reply.settle(Ok(Encoder { thread, model }));
                inbox.serve(backbone);
            }
            Err(failure) => reply.settle(Err(failure)),
        },
    )
}

#[napi]
impl Encoder {
    /// Its shape.
    #[napi(getter)]
    pub fn model(&self) -> EncoderModel {
        self.model
    }

    /// Class tokens and, where wanted, the mean of the patch tokens of the last blocks: `[images, blocks, rows, C]`.
    #[napi(catch_unwind)]
    pub fn pooled<'env>(
        &self,
        env: &'env Env,
        images: ImageBatch,
        blocks: u32,
        patches: bool,
    ) -> napi::Result<PromiseRaw<'env, Float32Array>> {
        self.submit(env, &images, move |backbone, images| {
            Ok(backbone.pooled(images, blocks.into(), patches)?.into())
        })
    }

    /// Tokens of the last blocks, oldest first: each `[images, tokens, C]`.
    #[napi(catch_unwind)]
    pub fn layers<'env>(
        &self,
        env: &'env Env,
        images: ImageBatch,
        blocks: u32,
    ) -> napi::Result<PromiseRaw<'env, Vec<Float32Array>>> {
        self.submit(env, &images, move |backbone, images| {
            let layers = backbone.layers(images, blocks.into())?;
            Ok(layers.into_iter().map(Float32Array::new).collect())
        })
    }

    /// Attention of the last block: `[images, heads, queries, tokens]`.
    #[napi(catch_unwind)]
    pub fn attention<'env>(
        &self,
        env: &'env Env,
        images: ImageBatch,
        all_queries: bool,
    ) -> napi::Result<PromiseRaw<'env, Float32Array>> {
        self.submit(env, &images, move |backbone, images| {
            Ok(backbone.attention(images, queries(all_queries))?.into())
        })
    }

    /// Takes no more calls; resolves when those queued are done and the memory is free.
    #[napi(catch_unwind)]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        self.thread.finish(env)
    }

    /// Copies the images and queues work on them; its outcome settles the promise.
    fn submit<'env, T: ToNapiValue + Send + 'static>(
        &self,
        env: &'env Env,
        images: &ImageBatch,
        work: impl FnOnce(&Backbone, &udi::ImageBatch) -> Result<T, Failure> + Send + 'static,
    ) -> napi::Result<PromiseRaw<'env, T>> {
        let images = ImagesData::copy(images).map_err(|failure| failure.into_napi(env))?;
        self.thread.submit(env, move |backbone: &mut Backbone| {
            work(backbone, &images.batch())
        })
    }
}

fn open(options: &EncoderOptions) -> Result<Backbone, Failure> {
    if let Ok(threads @ 1..) = i32::try_from(options.threads) {
        tch::set_num_threads(threads);
    }
    let checkpoint = opened(&options.file)?;
    let config = config(&checkpoint, options)?;
    let given = given_backbone(&checkpoint, branch(&options.network)?)?;
    for (name, given) in &given {
        if let Some(value) = given.values.iter().find(|value| !value.is_finite()) {
            let (file, network) = (&options.file, &options.network);
            let message = format!(
                "{file}: expected finite weights, found {value} in {name} of the {network}"
            );
            return Err(Failure::new(Code::Run, message));
        }
    }
    Ok(Backbone::new(&config, &given)?)
}

fn config(checkpoint: &Checkpoint, options: &EncoderOptions) -> Result<EncoderConfig, Failure> {
    let shape = checkpoint.shape().backbone;
    let number = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
    Ok(EncoderConfig {
        width: number(shape.width),
        depth: number(shape.depth),
        heads: options.heads.into(),
        mlp_width: number(shape.mlp_width),
        patch_size: number(shape.patch_size),
        image_size: number(shape.image_size),
        class_tokens: number(shape.class_tokens),
        device: device(&options.device)?,
        precision: precision(&options.precision)?,
    })
}

impl From<&EncoderConfig> for EncoderModel {
    fn from(config: &EncoderConfig) -> Self {
        let number = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
        Self {
            width: number(config.width),
            depth: number(config.depth),
            heads: number(config.heads),
            patch_size: number(config.patch_size),
            image_size: number(config.image_size),
            class_tokens: number(config.class_tokens),
        }
    }
}
