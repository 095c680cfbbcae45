//! Training steps: losses, terms, gradient norms, teacher, centres and final weights of the reference.

mod golden;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use golden::{cases, distance, relative, tensors, values};
use serde::Deserialize;
use tch::{Device, Tensor};
use udi::{
    BatchShape, Branch, HeadConfig, Learner, LearnerConfig, ModelConfig, MultiCropBatch,
    ObjectiveConfig, OptimizerConfig, OptimizerKind, Pixels, Precision, SamplingMaps,
    ScheduleValues, StepReport, TargetSamples,
};

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

    fn learner(&self, precision: Precision) -> Learner {
        let config = &self.config;
        Learner::new(&LearnerConfig {
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
            },
            device: Device::Cpu,
            precision,
            seed: 0,
        })
        .unwrap()
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

fn check(folder: &Path) {
    let case = Case::read(folder);
    let read = |name: &str| tensors(&folder.join(format!("{name}.safetensors")));
    let inputs = read("inputs");
    let mut learner = case.learner(Precision::Fp32);
    learner
        .load_networks(&folder.join("initial.safetensors"))
        .unwrap();
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
        "golden step/{name}: losses {losses:.1e}, gradient norms {gradients:.1e} (relative); teacher {teacher:.1e}, \
         centres {centers:.1e}; student mean {mean:.1e}, 99.9 % {most:.1e}, largest {all:.1e}"
    );
    assert!(losses < 1e-5, "losses");
    assert!(gradients < 1e-5, "gradient norms");
    assert!(teacher < 5e-5, "teacher");
    assert!(centers < 5e-5, "centres");
    assert!(mean < 2e-7, "student weights, mean");
    assert!(most < 1e-5, "student weights, 99.9 %");
    assert!(all < 5e-4, "student weights, largest");
}

/// First step of a case in half precision: errors of losses and terms, and of the norm of all gradients together.
///
/// A bf16 number has 8 bits: each rounding moves a value by at most 2^-9 = 0.2 % of it. Losses are means over many rows, whose
/// errors average out: 1 %. A gradient has gone through all layers twice: 3 %.
fn check_half(folder: &Path, precision: Precision) {
    let case = Case::read(folder);
    let inputs = tensors(&folder.join("inputs.safetensors"));
    let mut learner = case.learner(precision);
    learner
        .load_networks(&folder.join("initial.safetensors"))
        .unwrap();
    let (batch, expected) = (case.batch(&inputs, 0), &case.steps[0]);
    let report = learner.step(&batch, &case.schedule(0)).unwrap();
    let losses = loss_error(&case, &report, expected);
    let norms = expected.grad_norms.values().map(|norm| norm * norm);
    let expected = norms.sum::<f64>().sqrt();
    // fp16 may overflow at its first scale: such a step is skipped, not wrong.
    let gradient = (!report.skipped).then(|| relative(report.gradient_norm, expected));
    let name = folder.file_name().unwrap().to_string_lossy();
    println!(
        "golden step/{name} in {precision:?}: losses {losses:.1e}, gradient norm {} (relative)",
        gradient.map_or("overflowed".to_owned(), |error| format!("{error:.1e}"))
    );
    assert!(losses < 0.01, "losses");
    assert!(
        gradient.is_none_or(|gradient| gradient < 0.03),
        "gradient norm"
    );
    assert!(
        gradient.is_some() || precision == Precision::Fp16,
        "skipped"
    );
}

#[test]
fn every_case_is_near_the_reference_in_half_precision() {
    for folder in cases("step") {
        for precision in [Precision::Bf16, Precision::Fp16] {
            check_half(&folder, precision);
        }
    }
}

#[test]
fn every_case_trains_as_the_reference_does() {
    let cases: Vec<PathBuf> = cases("step");
    cases.iter().for_each(|folder| check(folder));
}
