//! Names of DINOv2 in transformers, as its files on the hub have them: every release maps them to its own.
//!
//! Register tokens get no position there, so that of `cls+` is added to it. DINOv2 scales its residual branches, here by
//! 1, and has a mask token, which nothing but its own pretraining reads.

use super::{
    array::{Array, Named},
    backbone::Backbone,
};

pub(crate) fn tensors(mut backbone: Backbone) -> Vec<Named> {
    let mut tensors = embeddings(&mut backbone);
    for index in 0..backbone.geometry.depth {
        tensors.extend(block(&mut backbone, index));
    }
    for part in ["weight", "bias"] {
        let norm = backbone.take(&format!("norm.{part}"));
        tensors.push((format!("layernorm.{part}"), norm));
    }
    tensors
}

fn embeddings(backbone: &mut Backbone) -> Vec<Named> {
    let geometry = backbone.geometry;
    let (width, count) = (geometry.width, geometry.patches());
    let registers = geometry.class_tokens - 1;
    let class = backbone.take("cls_token");
    let positions = backbone.take("pos_embed");
    let row = [1, 1, width];
    let mut places = positions.rows((0, 1), &row);
    places.values.extend(
        positions
            .rows((geometry.class_tokens, count), &[1, count, width])
            .values,
    );
    places.shape[1] += count;
    let mut tensors = vec![
        ("cls_token", class.rows((0, 1), &row)),
        ("mask_token", Array::filled(&[1, width], 0.0)),
        ("position_embeddings", places),
    ];
    if registers > 0 {
        let size = [1, registers, width];
        let cut = |array: &Array| array.rows((1, registers), &size);
        tensors.push(("register_tokens", cut(&class).plus(&cut(&positions))));
    }
    for (part, name) in [
        ("weight", "patch_embeddings.projection.weight"),
        ("bias", "patch_embeddings.projection.bias"),
    ] {
        tensors.push((name, backbone.take(&format!("patch_embed.proj.{part}"))));
    }
    let named = |(name, array)| (format!("embeddings.{name}"), array);
    tensors.into_iter().map(named).collect()
}

fn block(backbone: &mut Backbone, index: usize) -> Vec<Named> {
    let width = backbone.geometry.width;
    let mut tensors = Vec::new();
    for part in ["weight", "bias"] {
        let packed = backbone.take(&format!("blocks.{index}.attn.qkv.{part}"));
        let names = ["query", "key", "value"];
        for (name, array) in names.into_iter().zip(packed.split::<3>()) {
            tensors.push((format!("attention.attention.{name}.{part}"), array));
        }
        for (ours, theirs) in [
            ("attn.proj", "attention.output.dense"),
            ("norm1", "norm1"),
            ("norm2", "norm2"),
            ("mlp.fc1", "mlp.fc1"),
            ("mlp.fc2", "mlp.fc2"),
        ] {
            let array = backbone.take(&format!("blocks.{index}.{ours}.{part}"));
            tensors.push((format!("{theirs}.{part}"), array));
        }
    }
    for branch in 1..=2 {
        let ones = Array::filled(&[width], 1.0);
        tensors.push((format!("layer_scale{branch}.lambda1"), ones));
    }
    let named = |(name, array)| (format!("encoder.layer.{index}.{name}"), array);
    tensors.into_iter().map(named).collect()
}
