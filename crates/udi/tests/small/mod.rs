//! A small learner and the schedules of its steps.

#![allow(dead_code)] // Not each test file makes steps.

use udi::{
    HeadConfig, LearnerConfig, ModelConfig, ObjectiveConfig, OptimizerConfig, OptimizerKind,
    Precision, ScheduleValues,
};

use crate::device::device;

pub const PATCH: i64 = 4;

pub const AT: ScheduleValues = ScheduleValues {
    learning_rate: 2e-3,
    weight_decay: 0.04,
    momentum: 0.9,
    teacher_temperature: 0.05,
    freeze_last_layer: false,
};

/// For global crops of side 16.
pub fn config() -> LearnerConfig {
    LearnerConfig {
        model: ModelConfig {
            width: 16,
            depth: 2,
            heads: 2,
            mlp_ratio: 2.0,
            patch_size: PATCH,
            image_size: 16,
            class_tokens: 2,
            include_patch: true,
            srs_heads: 4,
            drop_path_rate: 0.3,
            checkpoint_blocks: false,
            head: HeadConfig {
                prototypes: 24,
                hidden_width: 16,
                bottleneck_width: 8,
                batch_norm: false,
                norm_last_layer: false,
            },
        },
        objective: ObjectiveConfig {
            alpha: 0.5,
            student_temperature: 0.1,
            center_momentum: 0.9,
        },
        optimizer: OptimizerConfig {
            kind: OptimizerKind::AdamW,
            clip_gradient: 3.0,
            accumulate: 1,
            loss_scale: 65536.0,
        },
        device: device(),
        precision: Precision::Fp32,
        seed: 5,
    }
}
