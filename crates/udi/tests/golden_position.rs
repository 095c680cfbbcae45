//! Position embeddings resampled to other image sizes.

mod golden;

use golden::{distance, folder, tensors, values};
use tch::Tensor;
use udi::resample_positions;

const PATCH: i64 = 16;
const TOLERANCE: f64 = 1e-5;

/// `480x320` -> (480, 320)
fn image_size(name: &str) -> Option<(i64, i64)> {
    let (height, width) = name.split_once('x')?;
    Some((height.parse().ok()?, width.parse().ok()?))
}

#[test]
fn positions_are_resampled_as_the_reference_does() {
    let file = tensors(&folder().join("position/interpolated.safetensors"));
    let stored = &file["pos_embed"];
    let mut cases: Vec<(&String, &Tensor)> = file
        .iter()
        .filter(|(name, _)| image_size(name).is_some())
        .collect();
    cases.sort_by_key(|(name, _)| *name);
    assert!(!cases.is_empty(), "no cases");
    let grid = ((stored.size()[1] as f64).sqrt() as i64).pow(2);
    let prefix = stored.size()[1] - grid;
    for (name, expected) in cases {
        let (height, width) = image_size(name).unwrap();
        let received = resample_positions(stored, prefix, (height / PATCH, width / PATCH));
        assert_eq!(received.size(), expected.size(), "{name}");
        let error = distance(&values(&received), &values(expected));
        println!("golden position/{name}: largest error {error:.1e}");
        assert!(error < TOLERANCE, "{name}: {error}");
    }
}
