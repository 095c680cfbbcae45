//! Files of weights: what they hold, and the same under our names. Each call is made on a thread of its own.

use std::{collections::HashMap, path::Path};

use napi::{
    Env,
    bindgen_prelude::{PromiseRaw, ToNapiValue},
};
use napi_derive::napi;
use udi_weights::{
    Branch, Checkpoint, Measure, ModelShape, OptimizerKind, Parameter, Part, StateRequest,
};
use weight_file::Written;

use crate::{
    failure::{Code, Failure},
    guard::guarded,
    shapes::{
        AdoptedParameter, StateOptions, WeightsFacts, WeightsHead, WeightsMeasure, WeightsShape,
        WrittenWeights,
    },
    thread,
};

/// What a file of weights holds: its header and its pickle are read, not its values.
#[napi(catch_unwind)]
pub fn open_weights(env: &Env, file: String) -> napi::Result<PromiseRaw<'_, WeightsFacts>> {
    on_thread(env, move || Ok(facts(&opened(&file)?)))
}

/// Norms of a network's parts. Reads all of its values.
#[napi(catch_unwind)]
pub fn measure_weights(
    env: &Env,
    file: String,
    network: String,
) -> napi::Result<PromiseRaw<'_, Vec<WeightsMeasure>>> {
    on_thread(env, move || {
        let parts = opened(&file)?.measure(branch(&network)?)?;
        Ok(parts.into_iter().map(WeightsMeasure::from).collect())
    })
}

/// Writes what an engine loads to go on with the run that the file is of.
#[napi(catch_unwind)]
pub fn write_state(
    env: &Env,
    file: String,
    options: StateOptions,
    out: String,
) -> napi::Result<PromiseRaw<'_, WrittenWeights>> {
    on_thread(env, move || {
        let request = StateRequest {
            optimizer: optimizer(&options.optimizer)?,
            norms_frozen: options.norms_frozen,
            steps: options.steps,
        };
        let written = opened(&file)?.write_state(request, Path::new(&out))?;
        Ok(written.into())
    })
}

/// Writes the backbone of a network under the names of a backbone-only file, as fp32 safetensors.
#[napi(catch_unwind)]
pub fn write_backbone(
    env: &Env,
    file: String,
    network: String,
    heads: u32,
    out: String,
) -> napi::Result<PromiseRaw<'_, WrittenWeights>> {
    on_thread(env, move || {
        let (checkpoint, branch) = (opened(&file)?, branch(&network)?);
        let written = checkpoint.write_backbone(branch, heads as usize, Path::new(&out))?;
        Ok(written.into())
    })
}

/// All values of a network in a file, by our names.
pub fn given_weights(
    file: &str,
    network: &str,
) -> Result<HashMap<String, udi::GivenWeights>, Failure> {
    let (checkpoint, branch) = (opened(file)?, branch(network)?);
    given(&checkpoint, branch, checkpoint.shape().parameters())
}

/// Those of the backbone alone.
pub fn given_backbone(
    checkpoint: &Checkpoint,
    branch: Branch,
) -> Result<HashMap<String, udi::GivenWeights>, Failure> {
    let mut parameters = checkpoint.shape().parameters();
    parameters.retain(|parameter| Part::of(&parameter.name) == Part::Backbone);
    given(checkpoint, branch, parameters)
}

fn given(
    checkpoint: &Checkpoint,
    branch: Branch,
    parameters: Vec<Parameter>,
) -> Result<HashMap<String, udi::GivenWeights>, Failure> {
    let given = parameters.into_iter().map(|parameter| {
        let values = checkpoint.values(branch, &parameter.name)?;
        let shape = parameter.shape.iter().map(|&side| side as i64).collect();
        Ok((parameter.name, udi::GivenWeights { shape, values }))
    });
    given.collect()
}

pub fn on_thread<T: ToNapiValue + Send + 'static>(
    env: &Env,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> napi::Result<PromiseRaw<'_, T>> {
    let (_, inbox) = thread::line::<()>();
    thread::start(env, "udi-weights", inbox, move |_, reply| {
        reply.settle(guarded(work));
    })
}

pub fn opened(file: &str) -> Result<Checkpoint, Failure> {
    Ok(Checkpoint::open(Path::new(file))?)
}

pub fn branch(name: &str) -> Result<Branch, Failure> {
    Branch::named(name).ok_or_else(|| refused("network", "student, teacher or backbone", name))
}

fn optimizer(name: &str) -> Result<OptimizerKind, Failure> {
    let all = [
        OptimizerKind::AdamW,
        OptimizerKind::Sgd,
        OptimizerKind::Lars,
    ];
    let kind = all.into_iter().find(|kind| kind.name() == name);
    kind.ok_or_else(|| refused("optimizer", "adamw, sgd or lars", name))
}

pub fn refused(field: &str, expected: &str, received: &str) -> Failure {
    let message = format!("{field}: expected {expected}, received {received:?}");
    Failure::new(Code::Argument, message)
}

fn facts(checkpoint: &Checkpoint) -> WeightsFacts {
    let names = |branches: Vec<Branch>| branches.into_iter().map(Branch::name);
    WeightsFacts {
        format: checkpoint.format().name().to_owned(),
        naming: checkpoint.naming().name().to_owned(),
        bytes: i64::try_from(checkpoint.length()).unwrap_or(i64::MAX),
        networks: names(checkpoint.branches()).map(str::to_owned).collect(),
        shape: shape(checkpoint.shape()),
        heads: checkpoint
            .heads()
            .and_then(|heads| u32::try_from(heads).ok()),
        epoch: checkpoint
            .epoch()
            .and_then(|epoch| i64::try_from(epoch).ok()),
        steps: checkpoint.steps(),
        arguments: checkpoint.arguments().map(ToString::to_string),
        optimizer: checkpoint.optimizer().map(|kind| kind.name().to_owned()),
        norms_frozen: checkpoint.norms_frozen(),
        centers: checkpoint.has_centers(),
        remarks: checkpoint.remarks().to_vec(),
    }
}

fn shape(shape: ModelShape) -> WeightsShape {
    let ModelShape {
        backbone,
        sampling,
        head,
    } = shape;
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    WeightsShape {
        width: number(backbone.width),
        depth: number(backbone.depth),
        mlp_ratio: backbone.mlp_width as f64 / backbone.width as f64,
        patch_size: number(backbone.patch_size),
        image_size: number(backbone.image_size),
        class_tokens: number(backbone.class_tokens),
        sampling,
        head: head.map(|head| WeightsHead {
            prototypes: number(head.prototypes),
            hidden_width: number(head.hidden_width),
            bottleneck_width: number(head.bottleneck_width),
            batch_norm: head.batch_norm,
        }),
    }
}

impl From<Measure> for WeightsMeasure {
    fn from(measure: Measure) -> Self {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        Self {
            part: measure.part.name().to_owned(),
            count: number(measure.count),
            norm: measure.norm,
            nan: number(measure.nan),
            infinite: number(measure.infinite),
        }
    }
}

impl From<Written> for WrittenWeights {
    fn from(written: Written) -> Self {
        Self {
            bytes: i64::try_from(written.bytes).unwrap_or(i64::MAX),
            sha256: written.sha256,
        }
    }
}

impl From<(String, udi::Adopted)> for AdoptedParameter {
    fn from((name, adopted): (String, udi::Adopted)) -> Self {
        let fate = match adopted {
            udi::Adopted::Loaded => "loaded",
            udi::Adopted::Resampled => "resampled",
            udi::Adopted::FirstTokens => "first tokens",
            udi::Adopted::Fresh => "fresh",
        };
        let fate = fate.to_owned();
        Self { name, fate }
    }
}
