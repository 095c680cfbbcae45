//! A frozen backbone: tokens, features and attention of the reference.

mod device;
mod golden;

use std::{collections::HashMap, fs, path::Path};

use device::device;
use golden::{distance, folder, tensors, values};
use serde::Deserialize;
use tch::Tensor;
use udi::{Encoder, EncoderConfig, GivenWeights, ImageBatch, Pixels, Precision, Queries};

#[derive(Deserialize)]
struct Case {
    embed_dim: i64,
    depth: i64,
    heads: i64,
    patch: i64,
    class_tokens: i64,
    image: i64,
    tolerance: f64,
}

struct Golden {
    case: Case,
    file: HashMap<String, Tensor>,
    encoder: Encoder,
}

const MLP_RATIO: i64 = 4;

fn read(folder: &Path) -> Golden {
    let case: Case = serde_json::from_slice(&fs::read(folder.join("case.json")).unwrap()).unwrap();
    let file = tensors(&folder.join("tensors.safetensors"));
    let given = file.iter().filter_map(|(name, tensor)| {
        let name = format!("backbone.backbone.{}", name.strip_prefix("parameter.")?);
        let (shape, values) = (tensor.size(), values(tensor));
        Some((name, GivenWeights { shape, values }))
    });
    let config = EncoderConfig {
        width: case.embed_dim,
        depth: case.depth,
        heads: case.heads,
        mlp_width: MLP_RATIO * case.embed_dim,
        patch_size: case.patch,
        image_size: case.image,
        class_tokens: case.class_tokens,
        device: device(),
        precision: Precision::Fp32,
    };
    let encoder = Encoder::new(&config, &given.collect()).unwrap();
    Golden {
        case,
        file,
        encoder,
    }
}

/// Gives the images of that name to `action`.
fn with_images<T>(images: &Tensor, action: impl FnOnce(&ImageBatch) -> T) -> T {
    let (size, pixels) = (images.size(), values(images));
    action(&ImageBatch {
        images: size[0],
        height: size[2],
        width: size[3],
        pixels: Pixels::Floats(&pixels),
        erasures: &[],
    })
}

impl Golden {
    /// Compares with the tensor of that name, where the file has it; whether it has.
    fn holds(&self, name: &str, received: &[f32]) -> bool {
        let Some(expected) = self.file.get(name) else {
            return false;
        };
        let error = distance(received, &values(expected));
        println!("golden encoder/{name}: largest error {error:.1e}");
        assert!(error < self.case.tolerance, "{name}: {error}");
        true
    }
}

#[test]
fn tokens_features_and_attention_are_those_of_the_reference() {
    let golden = read(&folder().join("encoder"));
    let encoder = &golden.encoder;
    let (class, width) = (golden.case.class_tokens, golden.case.embed_dim);
    let mut found = 0;
    with_images(&golden.file["images"], |batch| {
        let layers = encoder.layers(batch, 4).unwrap();
        for (index, layer) in layers.iter().enumerate() {
            found += i32::from(golden.holds(&format!("layer_{index}"), layer));
        }
        let pooled = encoder.pooled(batch, 4, true).unwrap();
        let pooled = Tensor::from_slice(&pooled).view([batch.images, 4, class + 1, width]);
        let first = values(&pooled.select(2, 0));
        found += i32::from(golden.holds("cls_4_blocks", &first));
        let last = pooled.select(1, 3);
        let parts = [last.select(1, 0), last.select(1, class)];
        let parts = values(&Tensor::cat(&parts, 1));
        found += i32::from(golden.holds("cls_and_mean_patch", &parts));
        let attention = encoder.attention(batch, Queries::All).unwrap();
        found += i32::from(golden.holds("attention_last", &attention));
    });
    assert!(found > 0, "nothing to compare");
}

#[test]
fn images_of_another_size_have_resampled_positions() {
    let golden = read(&folder().join("encoder"));
    with_images(&golden.file["images_other"], |batch| {
        let layer = &golden.encoder.layers(batch, 1).unwrap()[0];
        assert!(
            golden.holds("other.layer_last", layer),
            "nothing to compare"
        );
        let attention = golden.encoder.attention(batch, Queries::All).unwrap();
        golden.holds("other.attention_last", &attention);
    });
}

#[test]
fn class_queries_are_the_first_rows_of_all_and_class_tokens_need_no_patches() {
    let golden = read(&folder().join("encoder"));
    let (class, width) = (golden.case.class_tokens, golden.case.embed_dim);
    with_images(&golden.file["images"], |batch| {
        let map = |queries| {
            let map = golden.encoder.attention(batch, queries).unwrap();
            let tokens = (golden.case.image / golden.case.patch).pow(2) + class;
            Tensor::from_slice(&map).view([batch.images, golden.case.heads, -1, tokens])
        };
        let (all, of_class) = (map(Queries::All), map(Queries::Class));
        let first = all.narrow(2, 0, class);
        assert!(distance(&values(&first), &values(&of_class)) < 1e-6);
        let sums = of_class.sum_dim_intlist([3].as_slice(), false, None);
        assert!(distance(&values(&sums), &values(&sums.ones_like())) < 1e-5);
        let with = golden.encoder.pooled(batch, 2, true).unwrap();
        let with = Tensor::from_slice(&with).view([batch.images, 2, class + 1, width]);
        let without = golden.encoder.pooled(batch, 2, false).unwrap();
        assert!(distance(&values(&with.narrow(2, 0, class)), &without) < 1e-5);
    });
}

#[test]
fn pixels_that_fill_no_patch_are_dropped_and_images_below_a_patch_refused() {
    let golden = read(&folder().join("encoder"));
    let images = &golden.file["images"];
    let padded = images.constant_pad_nd([0, 5, 0, 3]);
    let layer = |images: &Tensor| {
        with_images(images, |batch| {
            golden.encoder.layers(batch, 1).unwrap().remove(0)
        })
    };
    assert!(distance(&layer(images), &layer(&padded)) < 1e-6);
    let small = images.narrow(2, 0, golden.case.patch - 1);
    let error = with_images(&small, |batch| golden.encoder.layers(batch, 1).unwrap_err());
    assert_eq!(
        error.to_string(),
        "height: expected at least one patch of 8 pixels, received 7"
    );
}
