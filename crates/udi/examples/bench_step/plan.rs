//! What bench/write-plan.mjs wrote, and what the engine makes of it.

use std::error::Error;

use serde::Deserialize;
use tch::Device;
use udi::{
    BatchShape, HeadConfig, LearnerConfig, ModelConfig, MultiCropBatch, ObjectiveConfig,
    OptimizerConfig, OptimizerKind, Pixels, Precision, SamplingMaps, ScheduleValues, TargetSamples,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    options: Options,
    schedule: Schedule,
    shape: Shape,
    maps: Option<Maps>,
    /// Matrix products of a step, in 10^12 operations.
    pub tera_operations: f64,
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
    loss_scale: f64,
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

impl Plan {
    /// Images of a step.
    pub fn images(&self) -> i64 {
        self.shape.images
    }

    /// The learner of the plan, on this device and, if it is given, in this precision.
    pub fn config(
        &self,
        device: Device,
        given: Option<&str>,
    ) -> Result<LearnerConfig, Box<dyn Error>> {
        let Options {
            model,
            objective,
            optimizer,
            precision,
            seed,
        } = &self.options;
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
                    "adamw" => OptimizerKind::AdamW,
                    "sgd" => OptimizerKind::Sgd,
                    "lars" => OptimizerKind::Lars,
                    other => return Err(format!("unknown optimiser {other}").into()),
                },
                clip_gradient: optimizer.clip_gradient,
                accumulate: optimizer.accumulate,
                loss_scale: optimizer.loss_scale,
            },
            device,
            precision: match given.unwrap_or(precision) {
                "fp32" => Precision::Fp32,
                "bf16" => Precision::Bf16,
                "fp16" => Precision::Fp16,
                other => return Err(format!("unknown precision {other}").into()),
            },
            seed: *seed,
        })
    }

    /// Values of every step.
    pub fn schedule(&self) -> ScheduleValues {
        let values = &self.schedule;
        ScheduleValues {
            learning_rate: values.learning_rate,
            weight_decay: values.weight_decay,
            momentum: values.momentum,
            teacher_temperature: values.teacher_temperature,
            freeze_last_layer: values.freeze_last_layer,
        }
    }

    /// Views of noise with the plan's maps.
    pub fn batch(&self, device: Device) -> Result<MultiCropBatch, Box<dyn Error>> {
        let Shape {
            images,
            global_size,
            local_crops,
            local_size,
        } = self.shape;
        let shape = BatchShape {
            images,
            global_size,
            local_crops,
            local_size,
        };
        let globals = noise(2 * images * 3 * global_size * global_size);
        let locals = noise(local_crops * images * 3 * local_size * local_size);
        let maps = self.maps.as_ref().map(|maps| SamplingMaps {
            global_source: &maps.global_source,
            global_target: Target::samples(&maps.global_target),
            local_target: Target::samples(&maps.local_target),
        });
        let patch_size = self.options.model.patch_size;
        let views = (Pixels::Bytes(&globals), Pixels::Bytes(&locals));
        Ok(MultiCropBatch::for_device(
            device, shape, patch_size, views, maps,
        )?)
    }
}

impl Target {
    fn samples(&self) -> TargetSamples<'_> {
        TargetSamples {
            tokens: &self.tokens,
            weights: &self.weights,
        }
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
