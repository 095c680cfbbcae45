//! Cases of the reference: found by listing their folder, read from safetensors and JSON.

#![allow(dead_code)] // Each test file reads its own kinds of cases.

use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
};

use safetensors::SafeTensors;
use tch::{Kind, Tensor};

/// `UDI_GOLDEN_DIR`, or the project's own selection.
pub fn folder() -> PathBuf {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/golden/data");
    env::var_os("UDI_GOLDEN_DIR").map_or_else(|| own.into(), PathBuf::from)
}

/// Folders of cases, sorted; fails where there are none.
pub fn cases(kind: &str) -> Vec<PathBuf> {
    let folder = folder().join(kind);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut cases: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "{folder:?} holds no cases");
    cases
}

/// All tensors of a file.
pub fn tensors(path: &Path) -> HashMap<String, Tensor> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let read = |name: &str| {
        let view = file.tensor(name).unwrap();
        let size: Vec<i64> = view.shape().iter().map(|&side| side as i64).collect();
        let kind = match view.dtype() {
            safetensors::Dtype::F32 => Kind::Float,
            safetensors::Dtype::I64 => Kind::Int64,
            other => panic!("{path:?}: {name} of kind {other:?}"),
        };
        Tensor::from_data_size(view.data(), &size, kind)
    };
    file.names()
        .into_iter()
        .map(|name| (name.to_owned(), read(name)))
        .collect()
}

/// All values of a tensor.
pub fn values(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.flatten(0, -1).contiguous()).unwrap()
}

/// Largest absolute difference.
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().zip(b);
    pairs
        .map(|(a, b)| f64::from((a - b).abs()))
        .fold(0.0, f64::max)
}

/// Difference as a share of the expected number.
pub fn relative(received: f64, expected: f64) -> f64 {
    (received - expected).abs() / expected.abs().max(1e-12)
}
