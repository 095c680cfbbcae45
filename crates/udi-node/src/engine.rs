//! The engine: one learner on one native thread.

use std::{path::Path, sync::Arc};

use napi::{
    Env,
    bindgen_prelude::{Float32Array, PromiseRaw},
};
use napi_derive::napi;
use tch::Device;
use udi::{Branch, Learner, LearnerConfig, Trace};

use crate::{
    batch::{BatchData, ImagesData, PixelData},
    convert::queries,
    failure::{Code, Failure},
    guard::guarded,
    inspection::{Gathered, Inspection},
    reply::Reply,
    shapes::{
        AdoptedParameter, EvaluationViews, ImageBatch, InspectionReport, MultiCropBatch,
        NativeOptions, SavedState, ScheduleValues, StepReport,
    },
    state_writer::StateWriter,
    step_line::StepLine,
    thread::{self, Busy, Handle, Underway},
    view_batch::ViewBatch,
    weights::given_weights,
};

/// What the engine thread owns.
struct Engaged {
    learner: Learner,
    device: Device,
    patch_size: i64,
    writer: StateWriter,
    steps: StepLine,
    trace: Option<Trace>,
}

impl Engaged {
    /// Makes the learner on the calling thread, which it must not leave.
    fn open(options: &NativeOptions, busy: Busy) -> Result<Self, Failure> {
        if let Ok(threads @ 1..) = i32::try_from(options.threads) {
            tch::set_num_threads(threads);
        }
        let config = LearnerConfig::try_from(options)?;
        Ok(Self {
            learner: Learner::new(&config)?,
            device: config.device,
            patch_size: config.model.patch_size,
            writer: StateWriter::new(busy),
            steps: StepLine::default(),
            trace: None,
        })
    }

    /// Begins a step, whose reply is settled when its numbers have arrived.
    fn step(
        &mut self,
        batch: &BatchData,
        at: ScheduleValues,
        profile: bool,
        reply: Reply<StepReport>,
    ) {
        let (device, patch_size) = (self.device, self.patch_size);
        let begin = |learner: &mut Learner| {
            learner.set_profiling(profile);
            let batch = batch.multi_crop(device, patch_size)?;
            Ok(learner.begin(batch, at.into())?)
        };
        let settle = Box::new(move |outcome| reply.settle(outcome));
        self.steps.begin(&mut self.learner, begin, settle);
    }

    fn begin_trace(&mut self) -> Result<(), Failure> {
        self.trace = Some(self.learner.begin_trace()?);
        Ok(())
    }

    fn finish_trace(&mut self, file: &str) -> Result<(), Failure> {
        let none = || Failure::new(Code::Argument, "trace: expected one that has begun");
        let trace = self.trace.take().ok_or_else(none)?;
        Ok(self.learner.finish_trace(trace, Path::new(file))?)
    }

    fn inspect(&self, batch: &BatchData, gathered: &Gathered) -> Result<(), Failure> {
        let batch = batch.multi_crop(self.device, self.patch_size)?;
        Ok(self.learner.inspect(&batch, &mut gathered.lock())?)
    }
}

impl Underway for Engaged {
    fn end_ready(&mut self) -> bool {
        self.steps.end_ready(&mut self.learner)
    }

    fn end_all(&mut self) {
        self.steps.end_all(&mut self.learner);
    }
}

/// A learner on its own thread. Calls are queued and run in order; each gives a promise.
#[napi]
pub struct Engine {
    thread: Handle<Engaged>,
}

/// Starts an engine thread and makes its learner.
#[napi(catch_unwind)]
pub fn open_engine(env: &Env, options: NativeOptions) -> napi::Result<PromiseRaw<'_, Engine>> {
    let (thread, inbox) = thread::line();
    let engine = Engine { thread };
    thread::start(
        env,
        "udi-engine",
        inbox,
        move |inbox, reply| match guarded(|| Engaged::open(&options, inbox.busy())) {
            Ok(engaged) => {
                reply.settle(Ok(engine));
                inbox.serve(engaged);
            }
            Err(failure) => reply.settle(Err(failure)),
        },
    )
}

#[napi]
impl Engine {
    /// One training step on a batch in JavaScript's memory, which is copied before this returns.
    #[napi(catch_unwind)]
    pub fn step_arrays<'env>(
        &self,
        env: &'env Env,
        batch: MultiCropBatch,
        at: ScheduleValues,
        profile: bool,
    ) -> napi::Result<PromiseRaw<'env, StepReport>> {
        let batch = BatchData::copy(&batch).map_err(|failure| failure.into_napi(env))?;
        self.step(env, Arc::new(batch), at, profile)
    }

    /// One training step on rendered views, which stay usable.
    #[napi(catch_unwind)]
    pub fn step_views<'env>(
        &self,
        env: &'env Env,
        views: &ViewBatch,
        at: ScheduleValues,
        profile: bool,
    ) -> napi::Result<PromiseRaw<'env, StepReport>> {
        let batch = views.data().map_err(|failure| failure.into_napi(env))?;
        self.step(env, batch, at, profile)
    }

    /// Class-token features: `[images, C]`.
    #[napi(catch_unwind)]
    pub fn embed<'env>(
        &self,
        env: &'env Env,
        views: EvaluationViews,
        #[napi(ts_arg_type = "'student' | 'teacher'")] network: String,
    ) -> napi::Result<PromiseRaw<'env, Float32Array>> {
        let (images, size) = (views.images.into(), views.size.into());
        let pixels = PixelData::copy(&views.pixels).map_err(|failure| failure.into_napi(env))?;
        self.thread.submit(env, move |engaged| {
            let branch = branch(&network)?;
            let features = engaged
                .learner
                .features(branch, images, size, &pixels.pixels())?;
            Ok(Float32Array::new(features))
        })
    }

    /// Tokens after the final norm: `[images, tokens, C]`.
    #[napi(catch_unwind)]
    pub fn tokens<'env>(
        &self,
        env: &'env Env,
        images: ImageBatch,
        #[napi(ts_arg_type = "'student' | 'teacher'")] network: String,
    ) -> napi::Result<PromiseRaw<'env, Float32Array>> {
        let images = ImagesData::copy(&images).map_err(|failure| failure.into_napi(env))?;
        self.thread.submit(env, move |engaged| {
            let branch = branch(&network)?;
            let tokens = engaged.learner.tokens(branch, &images.batch())?;
            Ok(Float32Array::new(tokens))
        })
    }

    /// Attention of the last block: `[images, heads, queries, tokens]`.
    #[napi(catch_unwind)]
    pub fn attention<'env>(
        &self,
        env: &'env Env,
        images: ImageBatch,
        all_queries: bool,
        #[napi(ts_arg_type = "'student' | 'teacher'")] network: String,
    ) -> napi::Result<PromiseRaw<'env, Float32Array>> {
        let images = ImagesData::copy(&images).map_err(|failure| failure.into_napi(env))?;
        self.thread.submit(env, move |engaged| {
            let branch = branch(&network)?;
            let queries = queries(all_queries);
            let maps = engaged
                .learner
                .attention(branch, &images.batch(), queries)?;
            Ok(Float32Array::new(maps))
        })
    }

    /// Shows both networks the global views of a batch in JavaScript's memory, which is copied before this returns.
    #[napi(catch_unwind)]
    pub fn inspect_arrays<'env>(
        &self,
        env: &'env Env,
        batch: MultiCropBatch,
        inspection: &Inspection,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let batch = BatchData::copy(&batch).map_err(|failure| failure.into_napi(env))?;
        let gathered = inspection.gathered();
        self.thread
            .submit(env, move |engaged| engaged.inspect(&batch, &gathered))
    }

    /// Shows both networks rendered global views, which stay usable.
    #[napi(catch_unwind)]
    pub fn inspect_views<'env>(
        &self,
        env: &'env Env,
        views: &ViewBatch,
        inspection: &Inspection,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let batch: Arc<BatchData> = views.data().map_err(|failure| failure.into_napi(env))?;
        let gathered = inspection.gathered();
        self.thread
            .submit(env, move |engaged| engaged.inspect(&batch, &gathered))
    }

    /// What the networks tell apart of the images that they were shown.
    #[napi(catch_unwind)]
    pub fn inspected<'env>(
        &self,
        env: &'env Env,
        inspection: &Inspection,
        teacher_temperature: f64,
    ) -> napi::Result<PromiseRaw<'env, InspectionReport>> {
        let gathered = inspection.gathered();
        self.thread.submit(env, move |engaged| {
            let learner = &engaged.learner;
            let report = learner.inspected(&gathered.lock(), teacher_temperature)?;
            Ok(report.into())
        })
    }

    /// Floating-point operations a second of matrix products in the engine's precision, measured now.
    #[napi(catch_unwind)]
    pub fn matrix_peak<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, f64>> {
        self.thread
            .submit(env, |engaged| Ok(engaged.learner.matrix_peak()?))
    }

    /// Most bytes that tensors of the CUDA device took at once; null on the CPU.
    #[napi(catch_unwind)]
    pub fn peak_device_bytes<'env>(
        &self,
        env: &'env Env,
    ) -> napi::Result<PromiseRaw<'env, Option<f64>>> {
        self.thread.submit(env, |engaged| {
            let bytes = engaged.learner.peak_device_bytes()?;
            Ok(bytes.map(|bytes| bytes as f64))
        })
    }

    /// Begins to record what libtorch is given for the calls to come, and what the engine's GPU does; one record at a time in
    /// a process.
    #[napi(catch_unwind)]
    pub fn begin_trace<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        self.thread.submit(env, Engaged::begin_trace)
    }

    /// Ends the record when the calls before have ended, and writes it: JSON that chrome://tracing and Perfetto show.
    #[napi(catch_unwind)]
    pub fn finish_trace<'env>(
        &self,
        env: &'env Env,
        file: String,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        self.thread
            .submit(env, move |engaged| engaged.finish_trace(&file))
    }

    /// Copies the whole state, then writes it to a file while later calls are made.
    #[napi(catch_unwind)]
    pub fn save<'env>(
        &self,
        env: &'env Env,
        file: String,
    ) -> napi::Result<PromiseRaw<'env, SavedState>> {
        let (reply, promise) = Reply::new(env)?;
        self.thread.post(Box::new(move |engaged| {
            engaged.writer.save(&engaged.learner, file, reply);
        }));
        Ok(promise)
    }

    /// Takes the whole state from a file.
    #[napi(catch_unwind)]
    pub fn load<'env>(&self, env: &'env Env, file: String) -> napi::Result<PromiseRaw<'env, ()>> {
        self.thread.submit(env, move |engaged| {
            engaged.learner.load(Path::new(&file))?;
            Ok(())
        })
    }

    /// Starts from the weights of a network in a file: before the first step, both networks take what fits.
    #[napi(catch_unwind)]
    pub fn start_from<'env>(
        &self,
        env: &'env Env,
        file: String,
        network: String,
    ) -> napi::Result<PromiseRaw<'env, Vec<AdoptedParameter>>> {
        self.thread.submit(env, move |engaged| {
            let given = given_weights(&file, &network)?;
            let adopted = engaged.learner.adopt(&given)?;
            Ok(adopted.into_iter().map(AdoptedParameter::from).collect())
        })
    }

    /// Takes no more calls; resolves when those queued are done and the learner's memory is free.
    #[napi(catch_unwind)]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        self.thread.finish(env)
    }
}

impl Engine {
    /// Queues a step, which may begin before those in front of it have ended.
    fn step<'env>(
        &self,
        env: &'env Env,
        batch: Arc<BatchData>,
        at: ScheduleValues,
        profile: bool,
    ) -> napi::Result<PromiseRaw<'env, StepReport>> {
        let (reply, promise) = Reply::new(env)?;
        self.thread.post_overlapping(Box::new(move |engaged| {
            engaged.step(&batch, at, profile, reply);
        }));
        Ok(promise)
    }
}

fn branch(network: &str) -> Result<Branch, Failure> {
    match network {
        "student" => Ok(Branch::Student),
        "teacher" => Ok(Branch::Teacher),
        other => {
            let message = format!("network: expected student or teacher, received {other:?}");
            Err(Failure::new(Code::Argument, message))
        }
    }
}
