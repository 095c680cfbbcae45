//! What a learner is made of: plain numbers, checked once.

use tch::{Device, Kind};

use crate::{
    error::{UdiError, expect},
    model_memory,
    optim::{LARGEST_SCALE, SMALLEST_SCALE},
};

/// A Vision Transformer with its sampling attention and projection head (spec/method.md sections 1, 3, 4).
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// Embedding dimension C.
    pub width: i64,
    /// Number of blocks.
    pub depth: i64,
    /// Attention heads of a block; divides `width`.
    pub heads: i64,
    /// Hidden width of a block's MLP divided by C.
    pub mlp_ratio: f64,
    /// Side of a patch in pixels.
    pub patch_size: i64,
    /// Side in pixels of the image for which positions are stored.
    pub image_size: i64,
    /// Class tokens in front: 2 (`cls`, `cls+`) or 1.
    pub class_tokens: i64,
    /// Whether the patch level and its sampling attention exist.
    pub include_patch: bool,
    /// Heads of the sampling attention; divides `width`.
    pub srs_heads: i64,
    /// Stochastic depth rate of the last block.
    pub drop_path_rate: f64,
    /// Keep only the input of each block of the student and compute the rest again in the backward pass.
    pub checkpoint_blocks: bool,
    /// The projection head.
    pub head: HeadConfig,
}

/// The projection head.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadConfig {
    /// Number of prototypes D.
    pub prototypes: i64,
    /// Width of the two hidden layers.
    pub hidden_width: i64,
    /// Width of the normalised vector that the prototypes are compared with.
    pub bottleneck_width: i64,
    /// BatchNorm1d after the hidden layers.
    pub batch_norm: bool,
    /// Keep the prototypes' norms at 1.
    pub norm_last_layer: bool,
}

/// Targets and loss (spec/method.md section 5).
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectiveConfig {
    /// Weight of the pooled patch logits in the `cls+` target.
    pub alpha: f64,
    /// Temperature of the student's softmax.
    pub student_temperature: f64,
    /// Share of the old centre kept at each update.
    pub center_momentum: f64,
}

/// The rule that turns gradients into updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay.
    AdamW,
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// Layer-wise adaptive rate scaling.
    Lars,
}

/// The optimiser.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerConfig {
    /// Which rule.
    pub kind: OptimizerKind,
    /// Largest L2 norm of each parameter tensor's gradient; 0: no clipping.
    pub clip_gradient: f64,
    /// Equal parts in which the images of a step go through the networks, one after the other; 1: all at once.
    pub accumulate: i64,
    /// What an fp16 loss is multiplied by in the first step; it adapts from there. Other precisions have none.
    pub loss_scale: f64,
}

/// Number format of matrix products; weights, gradients of weights and losses are always fp32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats.
    Fp32,
    /// bfloat16.
    Bf16,
    /// 16-bit floats with loss scaling.
    Fp16,
}

impl Precision {
    /// Kind of the operands of matrix products.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Fp32 => Kind::Float,
            Self::Bf16 => Kind::BFloat16,
            Self::Fp16 => Kind::Half,
        }
    }
}

/// Everything that makes a learner.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnerConfig {
    /// The network.
    pub model: ModelConfig,
    /// Targets and loss.
    pub objective: ObjectiveConfig,
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// Where it computes.
    pub device: Device,
    /// Number format of matrix products.
    pub precision: Precision,
    /// Seeds initialisation and stochastic depth.
    pub seed: u64,
}

/// Values of the schedules at one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScheduleValues {
    /// Step size.
    pub learning_rate: f64,
    /// Weight decay of parameters that are not 1-d.
    pub weight_decay: f64,
    /// Share of the teacher kept by the moving average.
    pub momentum: f64,
    /// Temperature of the teacher's softmax.
    pub teacher_temperature: f64,
    /// Leave the prototypes without update in this step.
    pub freeze_last_layer: bool,
}

/// Largest count or width taken, far above any real model: products of two stay within i64.
const LIMIT: i64 = 1 << 24;

impl ModelConfig {
    /// Width of the hidden layer of a block's MLP.
    pub(crate) fn mlp_width(&self) -> i64 {
        (self.width as f64 * self.mlp_ratio) as i64
    }

    /// Tokens of a square image of this side.
    pub(crate) fn tokens(&self, image_size: i64) -> i64 {
        (image_size / self.patch_size).pow(2)
    }

    pub(crate) fn check(&self) -> Result<(), UdiError> {
        let counts = [
            ("model.width", self.width),
            ("model.depth", self.depth),
            ("model.heads", self.heads),
            ("model.patchSize", self.patch_size),
            ("model.imageSize", self.image_size),
            ("model.srsHeads", self.srs_heads),
            ("model.head.prototypes", self.head.prototypes),
            ("model.head.hiddenWidth", self.head.hidden_width),
            ("model.head.bottleneckWidth", self.head.bottleneck_width),
        ];
        for (field, value) in counts {
            let range = || format!("a whole number from 1 to {LIMIT}");
            expect((1..=LIMIT).contains(&value), field, range, value)?;
        }
        for (field, heads) in [
            ("model.heads", self.heads),
            ("model.srsHeads", self.srs_heads),
        ] {
            let divisor = || format!("a divisor of the width {}", self.width);
            expect(self.width % heads == 0, field, divisor, heads)?;
        }
        let fits = self.image_size % self.patch_size == 0;
        let multiple = || format!("a multiple of the patch size {}", self.patch_size);
        expect(fits, "model.imageSize", multiple, self.image_size)?;
        let mlp = self.mlp_ratio.is_finite() && self.mlp_width() >= 1;
        let ratio = || "a ratio that gives the MLP at least one unit".to_owned();
        expect(mlp, "model.mlpRatio", ratio, self.mlp_ratio)?;
        let rate = (0.0..1.0).contains(&self.drop_path_rate);
        let range = || "a rate in [0, 1)".to_owned();
        expect(rate, "model.dropPathRate", range, self.drop_path_rate)?;
        let tokens = if self.include_patch { 1..=2 } else { 1..=1 };
        let few = || match self.include_patch {
            true => "1 or 2".to_owned(),
            false => "1, since there is no patch level".to_owned(),
        };
        let fits = tokens.contains(&self.class_tokens);
        expect(fits, "model.classTokens", few, self.class_tokens)?;
        model_memory::check(self)
    }
}

impl ObjectiveConfig {
    fn check(&self) -> Result<(), UdiError> {
        let share = || "a number in [0, 1]".to_owned();
        let (alpha, kept) = (self.alpha, self.center_momentum);
        expect(
            (0.0..=1.0).contains(&alpha),
            "objective.alpha",
            share,
            alpha,
        )?;
        let fits = (0.0..=1.0).contains(&kept);
        expect(fits, "objective.centerMomentum", share, kept)?;
        let temperature = self.student_temperature;
        let fits = temperature.is_finite() && temperature > 0.0;
        let positive = || "a number above 0".to_owned();
        expect(fits, "objective.studentTemperature", positive, temperature)
    }
}

impl LearnerConfig {
    /// Refuses what no learner can be made of.
    pub(crate) fn check(&self) -> Result<(), UdiError> {
        self.model.check()?;
        self.objective.check()?;
        let accumulate = self.optimizer.accumulate;
        let fits = (1..=LIMIT).contains(&accumulate);
        let range = || format!("a whole number from 1 to {LIMIT}");
        expect(fits, "optimizer.accumulate", range, accumulate)?;
        let clip = self.optimizer.clip_gradient;
        let fits = clip.is_finite() && clip >= 0.0;
        let norm = || "a norm of at least 0".to_owned();
        expect(fits, "optimizer.clipGradient", norm, clip)?;
        let scale = self.optimizer.loss_scale;
        let range = || format!("a number from {SMALLEST_SCALE} to {LARGEST_SCALE}");
        let fits = (SMALLEST_SCALE..=LARGEST_SCALE).contains(&scale);
        expect(fits, "optimizer.lossScale", range, scale)
    }
}

impl ScheduleValues {
    /// Refuses values that no step can be made with.
    pub(crate) fn check(&self) -> Result<(), UdiError> {
        let at_least_zero = [
            ("learningRate", self.learning_rate),
            ("weightDecay", self.weight_decay),
        ];
        for (field, value) in at_least_zero {
            let fits = value.is_finite() && value >= 0.0;
            expect(fits, field, || "a number of at least 0".to_owned(), value)?;
        }
        let fits = (0.0..=1.0).contains(&self.momentum);
        let share = || "a number in [0, 1]".to_owned();
        expect(fits, "momentum", share, self.momentum)?;
        let temperature = self.teacher_temperature;
        let fits = temperature.is_finite() && temperature > 0.0;
        let positive = || "a number above 0".to_owned();
        expect(fits, "teacherTemperature", positive, temperature)
    }
}
