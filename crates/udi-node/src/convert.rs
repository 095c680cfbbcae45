//! Shapes to the types of `udi` and `udi_views`, and back.

use std::collections::BTreeMap;

use tch::{Cuda, Device};
use udi::{OptimizerKind, Precision, Queries};
use udi_views::JitterStep;

use crate::{
    failure::{Code, Failure},
    shapes,
};

/// A value that is none of those known.
pub fn refused(field: &str, expected: &str, received: &str) -> Failure {
    let message = format!("{field}: expected {expected}, received {received:?}");
    Failure::new(Code::Argument, message)
}

impl From<&shapes::ModelOptions> for udi::ModelConfig {
    fn from(model: &shapes::ModelOptions) -> Self {
        Self {
            width: model.width.into(),
            depth: model.depth.into(),
            heads: model.heads.into(),
            mlp_ratio: model.mlp_ratio,
            patch_size: model.patch_size.into(),
            image_size: model.image_size.into(),
            class_tokens: model.class_tokens.into(),
            include_patch: model.include_patch,
            srs_heads: model.srs_heads.into(),
            drop_path_rate: model.drop_path_rate,
            checkpoint_blocks: model.checkpoint_blocks,
            head: (&model.head).into(),
        }
    }
}

impl From<&shapes::HeadOptions> for udi::HeadConfig {
    fn from(head: &shapes::HeadOptions) -> Self {
        Self {
            prototypes: head.prototypes.into(),
            hidden_width: head.hidden_width.into(),
            bottleneck_width: head.bottleneck_width.into(),
            batch_norm: head.batch_norm,
            norm_last_layer: head.norm_last_layer,
        }
    }
}

impl From<&shapes::ObjectiveOptions> for udi::ObjectiveConfig {
    fn from(objective: &shapes::ObjectiveOptions) -> Self {
        Self {
            alpha: objective.alpha,
            student_temperature: objective.student_temperature,
            center_momentum: objective.center_momentum,
        }
    }
}

impl TryFrom<&shapes::OptimizerOptions> for udi::OptimizerConfig {
    type Error = Failure;

    fn try_from(optimizer: &shapes::OptimizerOptions) -> Result<Self, Failure> {
        let kind = match optimizer.name.as_str() {
            "adamw" => OptimizerKind::AdamW,
            "sgd" => OptimizerKind::Sgd,
            "lars" => OptimizerKind::Lars,
            other => return Err(refused("optimizer.name", "adamw, sgd or lars", other)),
        };
        Ok(Self {
            kind,
            clip_gradient: optimizer.clip_gradient,
            accumulate: optimizer.accumulate.into(),
            loss_scale: optimizer.loss_scale,
        })
    }
}

impl TryFrom<&shapes::NativeOptions> for udi::LearnerConfig {
    type Error = Failure;

    fn try_from(options: &shapes::NativeOptions) -> Result<Self, Failure> {
        Ok(Self {
            model: (&options.model).into(),
            objective: (&options.objective).into(),
            optimizer: (&options.optimizer).try_into()?,
            device: device(&options.device)?,
            precision: precision(&options.precision)?,
            seed: u64::try_from(options.seed)
                .map_err(|_| refused("seed", "at least 0", &options.seed.to_string()))?,
        })
    }
}

/// Number format of matrix products.
pub fn precision(name: &str) -> Result<Precision, Failure> {
    match name {
        "fp32" => Ok(Precision::Fp32),
        "bf16" => Ok(Precision::Bf16),
        "fp16" => Ok(Precision::Fp16),
        other => Err(refused("precision", "fp32, bf16 or fp16", other)),
    }
}

/// `cpu`, `cuda` (the first device) or `cuda:1`, of those that libtorch can use here.
pub fn device(name: &str) -> Result<Device, Failure> {
    if name == "cpu" {
        return Ok(Device::Cpu);
    }
    let index = match name.strip_prefix("cuda") {
        Some("") => Some(0),
        Some(rest) => rest.strip_prefix(':').and_then(|index| index.parse().ok()),
        None => None,
    };
    let index: usize = index.ok_or_else(|| refused("device", "cpu, cuda or cuda:<index>", name))?;
    let count = usize::try_from(Cuda::device_count()).unwrap_or(0);
    let expected = match count {
        _ if index < count => return Ok(Device::Cuda(index)),
        0 => "cpu, since libtorch finds no CUDA device here".to_owned(),
        _ => format!("a CUDA device below {count}"),
    };
    Err(refused("device", &expected, name))
}

impl From<shapes::ScheduleValues> for udi::ScheduleValues {
    fn from(at: shapes::ScheduleValues) -> Self {
        Self {
            learning_rate: at.learning_rate,
            weight_decay: at.weight_decay,
            momentum: at.momentum,
            teacher_temperature: at.teacher_temperature,
            freeze_last_layer: at.freeze_last_layer,
        }
    }
}

impl From<shapes::BatchShape> for udi::BatchShape {
    fn from(shape: shapes::BatchShape) -> Self {
        Self {
            images: shape.images.into(),
            global_size: shape.global_size.into(),
            local_crops: shape.local_crops.into(),
            local_size: shape.local_size.into(),
        }
    }
}

/// Numbers by their names.
fn named(values: Vec<(&'static str, f64)>) -> BTreeMap<String, f64> {
    let values = values.into_iter();
    values
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A count that a shape of JavaScript gave, and that it can hold.
fn count(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl From<udi::InspectionReport> for shapes::InspectionReport {
    fn from(report: udi::InspectionReport) -> Self {
        Self {
            images: count(report.images),
            effective_rank: report.effective_rank,
            largest_rank: count(report.largest_rank),
            spread: report.spread,
            entropy_of_mean: report.entropy_of_mean,
            mean_entropy: report.mean_entropy,
            largest_entropy: report.largest_entropy,
            prototypes_used: report.prototypes_used,
            agreement: report.agreement,
            chance_agreement: report.chance_agreement,
            center_norms: named(report.center_norms),
        }
    }
}

impl shapes::StepReport {
    /// The engine's report, with the wall time of the step.
    pub fn new(report: udi::StepReport, seconds: f64) -> Self {
        Self {
            step: report.step,
            loss: report.loss,
            levels: named(report.levels),
            terms: named(report.terms),
            gradient_norm: report.gradient_norm,
            skipped: report.skipped,
            loss_scale: report.loss_scale,
            phases: named(report.phases),
            seconds,
        }
    }
}

impl From<&shapes::PixelBox> for udi_views::PixelBox {
    fn from(crop: &shapes::PixelBox) -> Self {
        Self {
            top: crop.top,
            left: crop.left,
            height: crop.height,
            width: crop.width,
        }
    }
}

impl TryFrom<&shapes::JitterStep> for JitterStep {
    type Error = Failure;

    fn try_from(step: &shapes::JitterStep) -> Result<Self, Failure> {
        let make = match step.kind.as_str() {
            "brightness" => Self::Brightness,
            "contrast" => Self::Contrast,
            "saturation" => Self::Saturation,
            "hue" => Self::Hue,
            other => {
                let expected = "brightness, contrast, saturation or hue";
                return Err(refused("jitter", expected, other));
            }
        };
        Ok(make(step.amount))
    }
}

impl TryFrom<&shapes::ViewRecipe> for udi_views::ViewRecipe {
    type Error = Failure;

    fn try_from(recipe: &shapes::ViewRecipe) -> Result<Self, Failure> {
        let threshold = |value: u32| {
            u8::try_from(value)
                .map_err(|_| refused("solarizeThreshold", "0 to 255", &value.to_string()))
        };
        let jitter = recipe.jitter.iter().map(JitterStep::try_from);
        Ok(Self {
            crop: (&recipe.crop).into(),
            size: recipe.size,
            flipped: recipe.flipped,
            jitter: jitter.collect::<Result<_, _>>()?,
            grayscale: recipe.grayscale,
            blur_radius: recipe.blur_radius,
            solarize_threshold: recipe.solarize_threshold.map(threshold).transpose()?,
        })
    }
}

impl From<udi::NeighbourScore> for shapes::NeighbourScore {
    fn from(score: udi::NeighbourScore) -> Self {
        Self {
            neighbours: count(score.neighbours),
            top1: score.top1,
            top5: score.top5,
        }
    }
}

/// Whose attention is wanted.
pub fn queries(all: bool) -> Queries {
    match all {
        true => Queries::All,
        false => Queries::Class,
    }
}
