//! Refuses a model that fits in no memory before anything of it is made: a Rust allocation that fails ends the process.

use crate::{config::ModelConfig, error::UdiError};

/// Student, teacher, gradient and the optimiser's two moments, in fp32.
const BYTES_PER_PARAMETER: u128 = 5 * 4;

/// Fails where the memory that a learner of this model will take cannot be had. The model's numbers have been checked.
pub(crate) fn check(model: &ModelConfig) -> Result<(), UdiError> {
    let count = parameters(model);
    let bytes = usize::try_from(count.saturating_mul(BYTES_PER_PARAMETER)).unwrap_or(usize::MAX);
    Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| {
        let expected = "one that fits in memory";
        UdiError::argument("model", expected, format!("about {count} parameters"))
    })
}

/// Parameters of the matrices, which are nearly all.
fn parameters(model: &ModelConfig) -> u128 {
    let count = |value: i64| u128::from(value.unsigned_abs());
    let [width, depth, patch, mlp] = [
        model.width,
        model.depth,
        model.patch_size,
        model.mlp_width(),
    ]
    .map(count);
    let blocks = depth * (4 * width * width + 2 * width * mlp);
    let embeddings = (count(model.tokens(model.image_size)) + 3 * patch * patch) * width;
    let head = &model.head;
    let [hidden, bottleneck, prototypes] =
        [head.hidden_width, head.bottleneck_width, head.prototypes].map(count);
    blocks + embeddings + hidden * (width + hidden + bottleneck) + bottleneck * prototypes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HeadConfig;

    fn small() -> ModelConfig {
        ModelConfig {
            width: 384,
            depth: 12,
            heads: 6,
            mlp_ratio: 4.0,
            patch_size: 16,
            image_size: 224,
            class_tokens: 2,
            include_patch: true,
            srs_heads: 6,
            drop_path_rate: 0.1,
            checkpoint_blocks: false,
            head: HeadConfig {
                prototypes: 65536,
                hidden_width: 2048,
                bottleneck_width: 256,
                batch_norm: false,
                norm_last_layer: true,
            },
        }
    }

    #[test]
    fn a_small_transformer_with_its_head_has_some_44_million_parameters() {
        assert_eq!(parameters(&small()) / 1_000_000, 43);
        assert!(check(&small()).is_ok());
    }

    #[test]
    fn the_largest_model_that_has_sound_numbers_is_refused_without_overflow() {
        let most = 1 << 24;
        let model = ModelConfig {
            width: most,
            depth: most,
            mlp_ratio: f64::MAX,
            patch_size: 1,
            image_size: most,
            ..small()
        };
        let error = check(&model).unwrap_err().to_string();
        assert!(
            error.starts_with("model: expected one that fits in memory"),
            "{error}"
        );
    }
}
