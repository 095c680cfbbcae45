use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    StoredAs,
    array::Named,
    backbone::{Backbone, Geometry},
    huggingface, timm,
};

pub(super) fn geometry() -> impl Strategy<Value = Geometry> {
    let sides = (1usize..4, 1usize..4, 1usize..3, 1usize..4, 1usize..9);
    let tokens = (1usize..3, 1usize..4);
    (sides, tokens).prop_map(|((dimension, heads, depth, grid, mlp_width), tokens)| {
        let (class_tokens, patch_size) = tokens;
        Geometry {
            width: dimension * heads,
            depth,
            heads,
            mlp_width,
            patch_size,
            class_tokens,
            image_size: (grid * patch_size, grid * patch_size),
        }
    })
}

fn values(tensors: &[Named]) -> BTreeSet<u32> {
    let all = tensors.iter().flat_map(|(_, array)| &array.values);
    all.map(|value| value.to_bits()).collect()
}

fn names(tensors: &[Named]) -> BTreeSet<&str> {
    tensors.iter().map(|(name, _)| name.as_str()).collect()
}

proptest! {
    #[test]
    fn timm_gets_every_value_once(geometry in geometry()) {
        let ours = Backbone::counted(geometry).into_tensors();
        let theirs = timm::tensors(Backbone::counted(geometry));
        prop_assert_eq!(values(&ours), values(&theirs));
        prop_assert_eq!(names(&theirs).len(), theirs.len());
        let registers = theirs.iter().find(|(name, _)| name == "reg_token");
        prop_assert_eq!(registers.is_some(), geometry.class_tokens == 2);
    }

    #[test]
    fn transformers_gets_every_value_but_the_sum_of_the_second_class_token(geometry in geometry()) {
        let (width, second) = (geometry.width, geometry.class_tokens == 2);
        let ours = Backbone::counted(geometry).into_tensors();
        let theirs = huggingface::tensors(Backbone::counted(geometry));
        prop_assert_eq!(names(&theirs).len(), theirs.len());
        let missing: Vec<_> = values(&ours).difference(&values(&theirs)).copied().collect();
        // The token and its position, of which the register token is the sum.
        let summed = if second { 2 * width } else { 0 };
        prop_assert!(missing.len() <= summed, "{} of {summed}", missing.len());
        let registers = theirs.iter().find(|(name, _)| name == "embeddings.register_tokens");
        prop_assert_eq!(registers.is_some(), second);
    }

    #[test]
    fn half_precision_is_within_a_thousandth(value in -60000.0f32..60000.0) {
        let bytes = StoredAs::Fp16.bytes(&[value]);
        let read = half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
        prop_assert!((read - value).abs() <= value.abs() / 1000.0 + 1e-7);
    }

    #[test]
    fn another_size_leaves_class_positions_and_all_else(geometry in geometry(), rows in 1usize..6, columns in 1usize..6) {
        let size = (rows * geometry.patch_size, columns * geometry.patch_size);
        let mut resized = Backbone::counted(geometry).resampled(size);
        let mut stored = Backbone::counted(geometry);
        let (received, expected) = (resized.take("pos_embed"), stored.take("pos_embed"));
        let class = geometry.class_tokens * geometry.width;
        prop_assert_eq!(&received.shape, &[1, geometry.class_tokens + rows * columns, geometry.width]);
        prop_assert_eq!(&received.values[..class], &expected.values[..class]);
        prop_assert_eq!(resized.into_tensors(), stored.into_tensors());
    }
}
