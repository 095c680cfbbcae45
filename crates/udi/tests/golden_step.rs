//! Training steps: losses, terms, gradient norms, teacher, centres and final weights of the reference.

mod device;
mod golden;

use std::{collections::HashMap, fs, path::Path};

use device::device;
use golden::{cases, distance, relative, tensors, values};
use serde::Deserialize;
use tch::{Device, Tensor};
use udi::{
    BatchShape, Branch, HeadConfig, Learner, LearnerConfig, ModelConfig, MultiCropBatch,
    ObjectiveConfig, OptimizerConfig, OptimizerKind, Pixels, Precision, Reading, SamplingMaps,
    ScheduleValues, StepReport, TargetSamples,
};

/// At which no gradient of a fresh head overflows in fp16.
const LOSS_SCALE: f64 = 256.0;

#[derive(Deserialize)]
struct Case {
    config: Config,
    batch: i64,
    optimizer: String,
    schedule: Schedule,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Config {
    dim: i64,
    depth: i64,
    heads: i64,
    srs_heads: i64,
    patch: i64,
    num_cls: i64,
    include_patch: bool,
    out_dim: i64,
    local_crops: i64,
    alpha: f64,
    student_temp: f64,
    norm_last_layer: bool,
    clip_grad: f64,
    freeze_last_layer: i64,
    head_hidden: i64,
    head_bottleneck: i64,
    global: i64,
    local: i64,
}

#[derive(Deserialize)]
struct Schedule {
    lr: Vec<f64>,
    weight_decay: Vec<f64>,
    momentum: Vec<f64>,
    teacher_temperature: Vec<f64>,
    epoch: Vec<i64>,
}

#[derive(Deserialize)]
struct Step {
    loss: f64,
    global_terms: Vec<f64>,
    local_terms: Vec<f64>,
    #[serde(default)]
    grad_norms: HashMap<String, f64>,
}

impl Case {
    fn read(folder: &Path) -> Self {
        serde_json::from_str(&fs::read_to_string(folder.join("case.json")).unwrap()).unwrap()
    }

    fn configuration(&self, precision: Precision) -> LearnerConfig {
        let config = &self.config;
        LearnerConfig {
            model: ModelConfig {
                width: config.dim,
                depth: config.depth,
                heads: config.heads,
                mlp_ratio: 4.0,
                patch_size: config.patch,
                image_size: config.global,
                class_tokens: config.num_cls,
                include_patch: config.include_patch,
                srs_heads: config.srs_heads,
                drop_path_rate: 0.0,
                checkpoint_blocks: false,
                head: HeadConfig {
                    prototypes: config.out_dim,
                    hidden_width: config.head_hidden,
                    bottleneck_width: config.head_bottleneck,
                    batch_norm: false,
                    norm_last_layer: config.norm_last_layer,
                },
            },
            objective: ObjectiveConfig {
                alpha: config.alpha,
                student_temperature: config.student_temp,
                center_momentum: 0.9,
            },
            optimizer: OptimizerConfig {
                kind: match self.optimizer.as_str() {
                    "adamw" => OptimizerKind::AdamW,
                    "sgd" => OptimizerKind::Sgd,
                    "lars" => OptimizerKind::Lars,
                    other => panic!("unknown optimiser {other}"),
                },
                clip_gradient: config.clip_grad,
                accumulate: 1,
                loss_scale: LOSS_SCALE,
            },
            device: device(),
            precision,
            seed: 0,
        }
    }

    fn schedule(&self, step: usize) -> ScheduleValues {
        ScheduleValues {
            learning_rate: self.schedule.lr[step],
            weight_decay: self.schedule.weight_decay[step],
            momentum: self.schedule.momentum[step],
            teacher_temperature: self.schedule.teacher_temperature[step],
            freeze_last_layer: self.schedule.epoch[step] < self.config.freeze_last_layer,
        }
    }

    fn batch(&self, inputs: &HashMap<String, Tensor>, step: usize) -> MultiCropBatch {
        let crops = self.config.local_crops;
        let stacked = |name: &str, range: std::ops::Range<i64>| {
            let named = |index| &inputs[&format!("step{step}.{name}{index}")];
            Tensor::stack(&range.map(named).collect::<Vec<_>>(), 0)
        };
        let globals = values(&stacked("crop", 0..2));
        let locals = values(&stacked("crop", 2..2 + crops));
        let shape = BatchShape {
            images: self.batch,
            global_size: self.config.global,
            local_crops: crops,
            local_size: self.config.local,
        };
        let sparse = self.config.include_patch.then(|| {
            let target = |range| sparse_targets(&stacked("tgt_map", range));
            let sources = sparse_sources(&stacked("src_map", 0..2));
            (sources, target(0..2), target(2..2 + 2 * crops))
        });
        let maps = sparse
            .as_ref()
            .map(|(sources, global, local)| SamplingMaps {
                global_source: sources,
                global_target: global.samples(),
                local_target: local.samples(),
            });
        let (globals, locals) = (Pixels::Floats(&globals), Pixels::Floats(&locals));
        MultiCropBatch::new(shape, self.config.patch, globals, locals, maps).unwrap()
    }

    /// Every term by our name, as the reference lists them: class levels first, patches last.
    fn terms(&self, step: &Step) -> Vec<(&'static str, f64)> {
        let mut names = vec!["globalCls"];
        if self.config.num_cls == 2 && self.config.include_patch {
            names.push("globalClsPlus");
        }
        if self.config.include_patch {
            names.push("globalPatch");
        }
        let global = names.into_iter().zip(step.global_terms.iter().copied());
        let local = ["localCls", "localClsPlus"]
            .into_iter()
            .zip(step.local_terms.iter().copied());
        global
            .chain(local)
            .filter(|(_, value)| *value >= 0.0)
            .collect()
    }
}

struct SparseTargets {
    tokens: Vec<i32>,
    weights: Vec<f32>,
}

impl SparseTargets {
    fn samples(&self) -> TargetSamples<'_> {
        TargetSamples {
            tokens: &self.tokens,
            weights: &self.weights,
        }
    }
}

/// Dense one-hot rows `[.., N]` -> the token of each, -1 where a row is empty.
fn sparse_sources(dense: &Tensor) -> Vec<i32> {
    let tokens = *dense.size().last().unwrap() as usize;
    let token = |row: &[f32]| row.iter().position(|&weight| weight > 0.0);
    values(dense)
        .chunks_exact(tokens)
        .map(|row| token(row).map_or(-1, |token| token as i32))
        .collect()
}

/// Dense rows `[.., N]` of at most four weights -> those four.
fn sparse_targets(dense: &Tensor) -> SparseTargets {
    let tokens = *dense.size().last().unwrap() as usize;
    let mut sparse = SparseTargets {
        tokens: Vec::new(),
        weights: Vec::new(),
    };
    for row in values(dense).chunks_exact(tokens) {
        let mut entries: Vec<(i32, f32)> = (0..)
            .zip(row.iter().copied())
            .filter(|(_, weight)| *weight != 0.0)
            .collect();
        assert!(entries.len() <= 4);
        entries.resize(4, (0, 0.0));
        sparse.tokens.extend(entries.iter().map(|(token, _)| token));
        sparse
            .weights
            .extend(entries.iter().map(|(_, weight)| weight));
    }
    sparse
}

/// Largest relative error of the losses and terms of a step.
fn loss_error(case: &Case, report: &StepReport, expected: &Step) -> f64 {
    let terms = case.terms(expected);
    assert_eq!(terms.len(), report.terms.len(), "{:?}", report.terms);
    let error = |(name, value): (&str, f64)| {
        let found = report.terms.iter().find(|(other, _)| *other == name);
        relative(found.unwrap_or_else(|| panic!("no term {name}")).1, value)
    };
    let of_terms = terms.into_iter().map(error).fold(0.0, f64::max);
    of_terms.max(relative(report.loss, expected.loss))
}

/// Largest relative error of the gradient norms of a step.
fn gradient_error(learner: &Learner, report: &StepReport, expected: &Step) -> f64 {
    let names = learner.parameter_names();
    let error = |(name, &norm): (&&str, &f64)| match expected.grad_norms.get(*name) {
        Some(&expected) => relative(norm, expected),
        None => {
            assert_eq!(norm, 0.0, "{name} has no gradient in the reference");
            0.0
        }
    };
    let norms = names.iter().zip(&report.gradient_norms);
    norms.map(error).fold(0.0, f64::max)
}

/// Differences of all weights of a network to the reference's.
fn differences(learner: &Learner, branch: Branch, expected: &HashMap<String, Tensor>) -> Vec<f64> {
    let prefix = match branch {
        Branch::Student => "student",
        Branch::Teacher => "teacher",
    };
    let mut differences = Vec::new();
    for (index, name) in learner.parameter_names().into_iter().enumerate() {
        let received = learner.parameter(branch, index).unwrap();
        let expected = values(&expected[&format!("{prefix}.{name}")]);
        assert_eq!(received.len(), expected.len(), "{name}");
        let pairs = received.iter().zip(expected);
        differences.extend(pairs.map(|(a, b)| f64::from((a - b).abs())));
    }
    differences.sort_by(f64::total_cmp);
    differences
}

fn check(folder: &Path, reading: Reading) {
    let case = Case::read(folder);
    let read = |name: &str| tensors(&folder.join(format!("{name}.safetensors")));
    let inputs = read("inputs");
    let mut learner = initial(&case.configuration(Precision::Fp32), folder);
    learner.set_reading(reading);
    let (mut losses, mut gradients) = (0f64, 0f64);
    for (index, expected) in case.steps.iter().enumerate() {
        let batch = case.batch(&inputs, index);
        let report = learner.step(&batch, &case.schedule(index)).unwrap();
        losses = losses.max(loss_error(&case, &report, expected));
        if index == 0 {
            gradients = gradient_error(&learner, &report, expected);
        }
    }
    let expected = read("final");
    let student = differences(&learner, Branch::Student, &expected);
    let mean = student.iter().sum::<f64>() / student.len() as f64;
    let (most, all) = (
        student[student.len() * 999 / 1000],
        student[student.len() - 1],
    );
    let teacher = *differences(&learner, Branch::Teacher, &expected)
        .last()
        .unwrap();
    let center = expected
        .iter()
        .find(|(name, _)| name.contains("center"))
        .unwrap()
        .1;
    let centers = distance(&learner.centers().unwrap(), &values(center));
    let name = folder.file_name().unwrap().to_string_lossy();
    println!(
        "golden step/{name}, read {reading:?}: losses {losses:.1e}, gradient norms {gradients:.1e} (relative); teacher {teacher:.1e}, \
         centres {centers:.1e}; student mean {mean:.1e}, 99.9 % {most:.1e}, largest {all:.1e}"
    );
    // A GPU sums in another order than the CPU that the reference ran on, and AdamW takes of a gradient that is nearly 0 its sign.
    let order = if device() == Device::Cpu { 1.0 } else { 3.0 };
    assert!(losses < 1e-5, "losses");
    assert!(gradients < 1e-5, "gradient norms");
    assert!(teacher < 5e-5, "teacher");
    assert!(centers < 5e-5, "centres");
    assert!(mean < 2e-7 * order, "student weights, mean");
    assert!(most < 1e-5 * order, "student weights, 99.9 %");
    assert!(all < 5e-4, "student weights, largest");
}

/// Gradients of an update by SGD with this learning rate, no momentum yet, decay or clipping: what the weights moved, which
/// loses nothing to the weights' own rounding.
const PACE: f64 = 1024.0;

/// The first step of a case at its initial weights: losses and every parameter's gradient.
struct First {
    report: StepReport,
    gradients: Vec<Vec<f64>>,
}

impl First {
    fn step(folder: &Path, precision: Precision) -> Self {
        let case = Case::read(folder);
        let inputs = tensors(&folder.join("inputs.safetensors"));
        let mut config = case.configuration(precision);
        config.optimizer.kind = OptimizerKind::Sgd;
        config.optimizer.clip_gradient = 0.0;
        let mut learner = initial(&config, folder);
        let values = |learner: &Learner| -> Vec<Vec<f32>> {
            let each = 0..learner.parameter_names().len();
            each.map(|index| learner.parameter(Branch::Student, index).unwrap())
                .collect()
        };
        let before = values(&learner);
        let at = ScheduleValues {
            learning_rate: PACE,
            weight_decay: 0.0,
            freeze_last_layer: false,
            ..case.schedule(0)
        };
        let report = learner.step(&case.batch(&inputs, 0), &at).unwrap();
        let moved = |(before, after): (&Vec<f32>, Vec<f32>)| {
            let pairs = before.iter().zip(after);
            pairs
                .map(|(&before, after)| (f64::from(before) - f64::from(after)) / PACE)
                .collect()
        };
        let pairs = before.iter().zip(values(&learner));
        Self {
            report,
            gradients: pairs.map(moved).collect(),
        }
    }
}

fn initial(config: &LearnerConfig, folder: &Path) -> Learner {
    let mut learner = Learner::new(config).unwrap();
    let file = folder.join("initial.safetensors");
    learner.load_networks(&file).unwrap();
    learner
}

fn length(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// Largest errors of a case in half precision, in units of roundoff: 2^-8 for bf16's 8 bits, 2^-11 for fp16's 11.
struct Errors {
    loss: f64,
    gradient_norm: f64,
    /// Of one parameter: the norm, and the length of the difference.
    norm: f64,
    difference: f64,
}

impl Errors {
    fn of(near: &First, exact: &First, unit: f64) -> Self {
        let terms = near.report.terms.iter().zip(&exact.report.terms);
        let losses = terms.map(|((_, near), (_, exact))| relative(*near, *exact));
        let loss = losses.fold(relative(near.report.loss, exact.report.loss), f64::max);
        let norm = relative(near.report.gradient_norm, exact.report.gradient_norm);
        let mut errors = Self {
            loss: loss / unit,
            gradient_norm: norm / unit,
            norm: 0.0,
            difference: 0.0,
        };
        // A parameter whose gradient is 0 but for roundings is measured by the gradient of all.
        let least = exact.report.gradient_norm / 1000.0;
        let norms = near.report.gradient_norms.iter();
        let norms = norms.zip(&exact.report.gradient_norms);
        let gradients = near.gradients.iter().zip(&exact.gradients);
        for ((near_norm, exact_norm), (near, exact)) in norms.zip(gradients) {
            let size = exact_norm + least;
            let off = length(near.iter().zip(exact).map(|(near, exact)| near - exact));
            errors.norm = errors
                .norm
                .max((near_norm - exact_norm).abs() / size / unit);
            errors.difference = errors.difference.max(off / size / unit);
        }
        errors
    }
}

/// A case in half precision against fp32.
///
/// A gradient has gone through some 70 roundings: 8 products and operations a block, with 2 blocks, sampling and head, once
/// forward and, for both operands, twice backward. Independent errors add up as squares: 8 units, and twice that is allowed for
/// the gradient of any one parameter. Its norm loses only what lies along it; in the whole norm and in the losses, which
/// are means over many rows, errors average out.
fn check_half(folder: &Path, precision: Precision, exact: &First) {
    let unit = match precision {
        Precision::Bf16 => f64::powi(2.0, -8),
        _ => f64::powi(2.0, -11),
    };
    let near = First::step(folder, precision);
    assert!(
        !near.report.skipped,
        "{precision:?}: the gradients overflowed"
    );
    let errors = Errors::of(&near, exact, unit);
    let name = folder.file_name().unwrap().to_string_lossy();
    println!(
        "golden step/{name} in {precision:?}, in units of roundoff: losses {:.2}, gradient norm {:.2}; of one parameter \
         norm {:.2}, difference {:.2}",
        errors.loss, errors.gradient_norm, errors.norm, errors.difference
    );
    assert!(errors.difference < 16.0, "gradient of a parameter");
    assert!(errors.norm < 8.0, "gradient norm of a parameter");
    assert!(errors.gradient_norm < 8.0, "gradient norm");
    assert!(errors.loss < 4.0, "losses");
}

#[test]
fn losses_and_gradients_in_half_precision_are_near_those_of_fp32() {
    for folder in cases("step") {
        let exact = First::step(&folder, Precision::Fp32);
        for precision in [Precision::Bf16, Precision::Fp16] {
            check_half(&folder, precision, &exact);
        }
    }
}

#[test]
fn every_case_trains_as_the_reference_does_whoever_decides() {
    for folder in cases("step") {
        for reading in [Reading::AtOnce, Reading::Late] {
            check(&folder, reading);
        }
    }
}
