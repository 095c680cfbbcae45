//! Position embeddings resampled to other image sizes, without libtorch.

use std::{env, fs, path::PathBuf};

use safetensors::SafeTensors;
use udi_weights::export::resample_positions;

const PATCH: usize = 16;
const TOLERANCE: f32 = 1e-5;

fn folder() -> PathBuf {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/golden/data");
    env::var_os("UDI_GOLDEN_DIR").map_or_else(|| own.into(), PathBuf::from)
}

/// `480x320` -> (480, 320)
fn image_size(name: &str) -> Option<(usize, usize)> {
    let (height, width) = name.split_once('x')?;
    Some((height.parse().ok()?, width.parse().ok()?))
}

/// Values and width of a tensor `[1, positions, width]`.
fn positions(file: &SafeTensors, name: &str) -> (Vec<f32>, usize) {
    let view = file.tensor(name).unwrap();
    let values = view.data().chunks_exact(4);
    let values = values.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
    (values.collect(), view.shape()[2])
}

#[test]
fn positions_are_resampled_as_the_reference_does() {
    let bytes = fs::read(folder().join("position/interpolated.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (stored, width) = positions(&file, "pos_embed");
    let count = stored.len() / width;
    let prefix = count - count.isqrt().pow(2);
    let mut names = file.names();
    names.retain(|name| image_size(name).is_some());
    names.sort_unstable();
    assert!(!names.is_empty(), "no cases");
    for name in names {
        let (height, wide) = image_size(name).unwrap();
        let grid = (height / PATCH, wide / PATCH);
        let received = resample_positions(&stored, width, prefix, grid);
        let (expected, _) = positions(&file, name);
        assert_eq!(received.len(), expected.len(), "{name}");
        let pairs = received.iter().zip(&expected);
        let error = pairs.fold(0f32, |most, (a, b)| most.max((a - b).abs()));
        println!("golden positions of an export/{name}: largest error {error:.1e}");
        assert!(error < TOLERANCE, "{name}: {error}");
    }
}
