//! Linear classifiers on frozen features: one probe on one native thread.

use std::path::Path;

use napi::{
    Env,
    bindgen_prelude::{Float32ArraySlice, Int32Array, Int32ArraySlice, PromiseRaw},
};
use napi_derive::napi;
use udi::{LabelledRows, Probe as Classifiers, ProbeConfig};

use crate::{
    batch::copied,
    convert::device,
    failure::{Code, Failure},
    guard::guarded,
    thread::{self, Handle, Underway},
};

/// Everything that makes a probe.
#[napi(object, object_to_js = false)]
pub struct ProbeOptions {
    /// Values of a row.
    pub row_width: u32,
    /// Number of classes.
    pub classes: u32,
    /// Share of the old step in the new one.
    pub momentum: f64,
    /// From 0 to 2^53 - 1.
    pub seed: i64,
    /// `cpu`, `cuda` or `cuda:1`.
    pub device: String,
    /// CPU threads of tensor operations; 0: libtorch's own choice.
    pub threads: u32,
    /// The classifiers.
    pub candidates: Vec<ProbeCandidate>,
}

/// The columns of a row that a classifier sees.
#[napi(object, object_to_js = false)]
pub struct ProbeCandidate {
    /// The first of them.
    pub first_column: u32,
    /// Their number.
    pub columns: u32,
}

impl From<&ProbeCandidate> for udi::ProbeCandidate {
    fn from(candidate: &ProbeCandidate) -> Self {
        Self {
            first_column: candidate.first_column.into(),
            columns: candidate.columns.into(),
        }
    }
}

/// Labelled rows copied out of JavaScript's memory.
struct Batch {
    rows: Vec<f32>,
    labels: Vec<i32>,
}

impl Batch {
    fn copy(env: &Env, rows: &[f32], labels: &[i32]) -> napi::Result<Self> {
        let copy = || {
            Ok(Self {
                rows: copied(rows)?,
                labels: copied(labels)?,
            })
        };
        copy().map_err(|failure: Failure| failure.into_napi(env))
    }

    fn labelled(&self) -> LabelledRows<'_> {
        LabelledRows {
            rows: &self.rows,
            labels: &self.labels,
        }
    }
}

impl Underway for Classifiers {}

/// Classifiers on their own thread. Calls are queued and run in order; each gives a promise.
#[napi]
pub struct Probe {
    thread: Handle<Classifiers>,
}

/// Starts a thread and makes the classifiers there.
#[napi(catch_unwind)]
pub fn open_probe(env: &Env, options: ProbeOptions) -> napi::Result<PromiseRaw<'_, Probe>> {
    let (thread, inbox) = thread::line();
    let probe = Probe { thread };
    thread::start(env, "udi-probe", inbox, move |inbox, reply| {
        match guarded(|| open(&options)) {
            Ok(classifiers) => {
                reply.settle(Ok(probe));
                inbox.serve(classifiers);
            }
            Err(failure) => reply.settle(Err(failure)),
        }
    })
}

fn open(options: &ProbeOptions) -> Result<Classifiers, Failure> {
    if let Ok(threads @ 1..) = i32::try_from(options.threads) {
        tch::set_num_threads(threads);
    }
    let seed = u64::try_from(options.seed).map_err(|_| {
        let message = format!("seed: expected at least 0, received {}", options.seed);
        Failure::new(Code::Argument, message)
    })?;
    Ok(Classifiers::new(&ProbeConfig {
        row_width: options.row_width.into(),
        classes: options.classes.into(),
        momentum: options.momentum,
        seed,
        device: device(&options.device)?,
        candidates: options.candidates.iter().map(Into::into).collect(),
    })?)
}

#[napi]
impl Probe {
    /// One step on a batch, `[labels, row width]`, with a learning rate for each candidate: losses before it.
    #[napi(catch_unwind)]
    pub fn step<'env>(
        &self,
        env: &'env Env,
        rows: Float32ArraySlice,
        labels: Int32ArraySlice,
        learning_rates: Vec<f64>,
    ) -> napi::Result<PromiseRaw<'env, Vec<f64>>> {
        let batch = Batch::copy(env, &rows, &labels)?;
        self.thread.submit(env, move |probe| {
            Ok(probe.step(&batch.labelled(), &learning_rates)?)
        })
    }

    /// Classes ranked before the right one: `[candidates, labels]`.
    #[napi(catch_unwind)]
    pub fn ranks<'env>(
        &self,
        env: &'env Env,
        rows: Float32ArraySlice,
        labels: Int32ArraySlice,
    ) -> napi::Result<PromiseRaw<'env, Int32Array>> {
        let batch = Batch::copy(env, &rows, &labels)?;
        self.thread.submit(env, move |probe| {
            Ok(Int32Array::new(probe.ranks(&batch.labelled())?))
        })
    }

    /// Writes the state to a file.
    #[napi(catch_unwind)]
    pub fn save<'env>(&self, env: &'env Env, file: String) -> napi::Result<PromiseRaw<'env, ()>> {
        self.thread.submit(env, move |probe| {
            probe.save(Path::new(&file))?;
            Ok(())
        })
    }

    /// Takes the state from a file: the steps made.
    #[napi(catch_unwind)]
    pub fn load<'env>(&self, env: &'env Env, file: String) -> napi::Result<PromiseRaw<'env, i64>> {
        self.thread.submit(env, move |probe| {
            probe.load(Path::new(&file))?;
            Ok(probe.steps())
        })
    }

    /// Takes no more calls; resolves when those queued are done and the memory is free.
    #[napi(catch_unwind)]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        self.thread.finish(env)
    }
}
