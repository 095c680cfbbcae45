//! Refuses a model that fits in no memory before anything of it is made: a Rust allocation that fails
//! ends the process.

use crate::{
    batch::room,
    failure::{Code, Failure},
    shapes::ModelOptions,
};

/// Student, teacher, gradient and the optimiser's two moments, in fp32.
const BYTES_PER_PARAMETER: u128 = 5 * 4;

/// Parameters of the matrices, which are nearly all.
fn parameters(model: &ModelOptions) -> u128 {
    let [width, depth, patch] = [model.width, model.depth, model.patch_size].map(u128::from);
    let mlp = (f64::from(model.width) * model.mlp_ratio).min(1e12) as u128;
    let blocks = depth * (4 * width * width + 2 * width * mlp);
    let side = u128::from(model.image_size) / patch.max(1);
    let embeddings = (side * side + 3 * patch * patch) * width;
    let head = &model.head;
    let [hidden, bottleneck, prototypes] =
        [head.hidden_width, head.bottleneck_width, head.prototypes].map(u128::from);
    let projection = hidden * (width + hidden + bottleneck) + bottleneck * prototypes;
    blocks.saturating_add(embeddings).saturating_add(projection)
}

/// Fails where the memory that the model will take cannot be had.
pub fn check(model: &ModelOptions) -> Result<(), Failure> {
    let count = parameters(model);
    let bytes = usize::try_from(count.saturating_mul(BYTES_PER_PARAMETER)).unwrap_or(usize::MAX);
    match room::<u8>(bytes) {
        Ok(_) => Ok(()),
        Err(_) => {
            let message = format!(
                "model: expected one that fits in memory, received about {count} parameters"
            );
            Err(Failure::new(Code::Argument, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::HeadOptions;

    fn small() -> ModelOptions {
        ModelOptions {
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
            head: HeadOptions {
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
        assert_eq!(check(&small()), Ok(()));
    }

    #[test]
    fn the_largest_numbers_are_refused_without_overflow() {
        let model = ModelOptions {
            width: u32::MAX,
            depth: u32::MAX,
            mlp_ratio: f64::MAX,
            patch_size: 1,
            image_size: u32::MAX,
            ..small()
        };
        let failure = check(&model).unwrap_err();
        assert_eq!(failure.code, Code::Argument);
    }
}
