//! `udi-native bench step` for a machine without Node: reads a plan that bench/write-plan.mjs wrote, makes its steps on
//! views of noise, and prints one JSON object with the same fields.
//!
//! bench_step PLAN.json [--device cpu] [--precision fp32] [--threads 0] [--warm-up 1] [--steps 5] [--profile]

use std::{collections::BTreeMap, env, error::Error, fs, time::Instant};

use serde::Deserialize;
use serde_json::json;
use tch::{Cuda, Device};
use udi::{
    BatchShape, HeadConfig, Learner, LearnerConfig, ModelConfig, MultiCropBatch, ObjectiveConfig,
    OptimizerConfig, OptimizerKind, Pixels, Precision, SamplingMaps, ScheduleValues, StepReport,
    TargetSamples,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    options: Options,
    schedule: Schedule,
    shape: Shape,
    maps: Option<Maps>,
    tera_operations: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    model: Model,
    objective: Objective,
    optimizer: Optimizer,
    precision: String,
    seed: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Model {
    width: i64,
    depth: i64,
    heads: i64,
    mlp_ratio: f64,
    patch_size: i64,
    image_size: i64,
    class_tokens: i64,
    include_patch: bool,
    srs_heads: i64,
    drop_path_rate: f64,
    checkpoint_blocks: bool,
    head: Head,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    prototypes: i64,
    hidden_width: i64,
    bottleneck_width: i64,
    batch_norm: bool,
    norm_last_layer: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Objective {
    alpha: f64,
    student_temperature: f64,
    center_momentum: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Optimizer {
    name: String,
    clip_gradient: f64,
    accumulate: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schedule {
    learning_rate: f64,
    weight_decay: f64,
    momentum: f64,
    teacher_temperature: f64,
    freeze_last_layer: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    images: i64,
    global_size: i64,
    local_crops: i64,
    local_size: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Maps {
    global_source: Vec<i32>,
    global_target: Target,
    local_target: Target,
}

#[derive(Deserialize)]
struct Target {
    tokens: Vec<i32>,
    weights: Vec<f32>,
}

/// What the command line says.
struct Arguments {
    plan: String,
    named: BTreeMap<String, String>,
    profile: bool,
}

impl Arguments {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut words = env::args().skip(1);
        let plan = words.next().ok_or("expected the file of a plan")?;
        let (mut named, mut profile) = (BTreeMap::new(), false);
        while let Some(word) = words.next() {
            let name = word
                .strip_prefix("--")
                .ok_or_else(|| format!("unexpected {word}"))?;
            if name == "profile" {
                profile = true;
            } else {
                let value = words
                    .next()
                    .ok_or_else(|| format!("expected a value of {word}"))?;
                named.insert(name.to_owned(), value);
            }
        }
        Ok(Self {
            plan,
            named,
            profile,
        })
    }

    fn count(&self, name: &str, default: usize) -> Result<usize, Box<dyn Error>> {
        let given = self.named.get(name);
        Ok(given.map_or(Ok(default), |value| value.parse())?)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read()?;
    let plan: Plan = serde_json::from_slice(&fs::read(&arguments.plan)?)?;
    if let threads @ 1.. = i32::try_from(arguments.count("threads", 0)?)? {
        tch::set_num_threads(threads);
    }
    let config = config(&plan, &arguments)?;
    let batch = batch(&plan, config.device)?;
    let mut learner = Learner::new(&config)?;
    learner.set_profiling(arguments.profile);
    let warm_up = arguments.count("warm-up", 1)?;
    let mut steps = Vec::new();
    for step in 1..=warm_up + arguments.count("steps", 5)? {
        let start = Instant::now();
        let report = learner.step(&batch, &schedule(&plan.schedule))?;
        let seconds = start.elapsed().as_secs_f64();
        eprintln!("step {step}: {seconds:.3} s");
        if step > warm_up {
            steps.push((seconds, report));
        }
    }
    let device_bytes = learner.peak_device_bytes()?;
    let peak = learner.matrix_peak()? / 1e12;
    println!("{}", result(&plan, &config, &steps, device_bytes, peak)?);
    Ok(())
}

fn config(plan: &Plan, arguments: &Arguments) -> Result<LearnerConfig, Box<dyn Error>> {
    let Options {
        model,
        objective,
        optimizer,
        precision,
        seed,
    } = &plan.options;
    let precision = arguments.named.get("precision").unwrap_or(precision);
    Ok(LearnerConfig {
        model: ModelConfig {
            width: model.width,
            depth: model.depth,
            heads: model.heads,
            mlp_ratio: model.mlp_ratio,
            patch_size: model.patch_size,
            image_size: model.image_size,
            class_tokens: model.class_tokens,
            include_patch: model.include_patch,
            srs_heads: model.srs_heads,
            drop_path_rate: model.drop_path_rate,
            checkpoint_blocks: model.checkpoint_blocks,
            head: HeadConfig {
                prototypes: model.head.prototypes,
                hidden_width: model.head.hidden_width,
                bottleneck_width: model.head.bottleneck_width,
                batch_norm: model.head.batch_norm,
                norm_last_layer: model.head.norm_last_layer,
            },
        },
        objective: ObjectiveConfig {
            alpha: objective.alpha,
            student_temperature: objective.student_temperature,
            center_momentum: objective.center_momentum,
        },
        optimizer: OptimizerConfig {
            kind: match optimizer.name.as_str() {
                "sgd" => OptimizerKind::Sgd,
                "lars" => OptimizerKind::Lars,
                _ => OptimizerKind::AdamW,
            },
            clip_gradient: optimizer.clip_gradient,
            accumulate: optimizer.accumulate,
        },
        device: device(arguments.named.get("device").map_or("cpu", String::as_str))?,
        precision: match precision.as_str() {
            "fp32" => Precision::Fp32,
            "bf16" => Precision::Bf16,
            "fp16" => Precision::Fp16,
            other => return Err(format!("unknown precision {other}").into()),
        },
        seed: *seed,
    })
}

fn device(name: &str) -> Result<Device, Box<dyn Error>> {
    match name.strip_prefix("cuda") {
        None if name == "cpu" => Ok(Device::Cpu),
        Some(rest) if Cuda::is_available() => {
            let index = rest.strip_prefix(':').map_or(Ok(0), str::parse)?;
            Ok(Device::Cuda(index))
        }
        Some(_) => Err("libtorch finds no CUDA device: is libtorch_cuda.so loaded?".into()),
        None => Err(format!("unknown device {name}").into()),
    }
}

fn schedule(values: &Schedule) -> ScheduleValues {
    ScheduleValues {
        learning_rate: values.learning_rate,
        weight_decay: values.weight_decay,
        momentum: values.momentum,
        teacher_temperature: values.teacher_temperature,
        freeze_last_layer: values.freeze_last_layer,
    }
}

/// What is in the pixels does not change what a step costs.
fn noise(values: i64) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..values).map(|_| next()).collect()
}

fn batch(plan: &Plan, device: Device) -> Result<MultiCropBatch, Box<dyn Error>> {
    let Shape {
        images,
        global_size,
        local_crops,
        local_size,
    } = plan.shape;
    let shape = BatchShape {
        images,
        global_size,
        local_crops,
        local_size,
    };
    let globals = noise(2 * images * 3 * global_size * global_size);
    let locals = noise(local_crops * images * 3 * local_size * local_size);
    fn samples(target: &Target) -> TargetSamples<'_> {
        TargetSamples {
            tokens: &target.tokens,
            weights: &target.weights,
        }
    }
    let maps = plan.maps.as_ref().map(|maps| SamplingMaps {
        global_source: &maps.global_source,
        global_target: samples(&maps.global_target),
        local_target: samples(&maps.local_target),
    });
    let patch_size = plan.options.model.patch_size;
    let views = (Pixels::Bytes(&globals), Pixels::Bytes(&locals));
    Ok(MultiCropBatch::for_device(
        device, shape, patch_size, views, maps,
    )?)
}

fn result(
    plan: &Plan,
    config: &LearnerConfig,
    steps: &[(f64, StepReport)],
    device_bytes: Option<u64>,
    peak: f64,
) -> Result<serde_json::Value, Box<dyn Error>> {
    let seconds: Vec<f64> = steps.iter().map(|(seconds, _)| *seconds).collect();
    let median_seconds = median(seconds.clone());
    let speed = plan.tera_operations / median_seconds;
    let names = steps.first().map(|(_, report)| report.phases.clone());
    let phases: BTreeMap<&str, f64> = names
        .unwrap_or_default()
        .into_iter()
        .enumerate()
        .map(|(place, (name, _))| {
            let values = steps.iter().map(|(_, report)| report.phases[place].1);
            (name, median(values.collect()))
        })
        .collect();
    Ok(json!({
        "precision": format!("{:?}", config.precision).to_lowercase(),
        "device": format!("{:?}", config.device).to_lowercase(),
        "batch": plan.shape.images,
        "accumulate": config.optimizer.accumulate,
        "checkpointBlocks": config.model.checkpoint_blocks,
        "medianSeconds": median_seconds,
        "seconds": seconds,
        "imagesPerSecond": plan.shape.images as f64 / median_seconds,
        "teraOperations": plan.tera_operations,
        "teraOperationsPerSecond": speed,
        "peakTeraOperationsPerSecond": peak,
        "shareOfPeak": speed / peak,
        "peakResidentBytes": resident_bytes()?,
        "peakDeviceBytes": device_bytes,
        "phases": phases,
        "losses": steps.iter().map(|(_, report)| report.loss).collect::<Vec<_>>(),
    }))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        _ if values.is_empty() => f64::NAN,
        0 => (values[middle - 1] + values[middle]) / 2.0,
        _ => values[middle],
    }
}

/// Largest resident memory of this process.
fn resident_bytes() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.ok_or("no VmHWM")?.trim().trim_end_matches(" kB");
    Ok(kibibytes.parse::<u64>()? * 1024)
}
