//! Means of checkpoints, and whether their values are finite.

use std::path::Path;

use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use udi_weights::{non_finite, write_average};

use crate::{
    shapes::{NonFinite, WrittenWeights},
    weights::{on_thread, opened},
};

/// Writes student and teacher, each the mean of those of the files, as fp32 safetensors.
#[napi(catch_unwind)]
pub fn average_weights(
    env: &Env,
    files: Vec<String>,
    out: String,
) -> napi::Result<PromiseRaw<'_, WrittenWeights>> {
    on_thread(env, move || {
        let checkpoints = files.iter().map(|file| opened(file));
        let checkpoints = checkpoints.collect::<Result<Vec<_>, _>>()?;
        Ok(write_average(&checkpoints, Path::new(&out))?.into())
    })
}

/// Tensors of a safetensors file that hold values that are infinite or no number.
#[napi(catch_unwind)]
pub fn find_non_finite(env: &Env, file: String) -> napi::Result<PromiseRaw<'_, Vec<NonFinite>>> {
    on_thread(env, move || {
        let found = non_finite(Path::new(&file))?.into_iter();
        let tensors = found.map(|tensor| NonFinite {
            name: tensor.name,
            count: i64::try_from(tensor.count).unwrap_or(i64::MAX),
        });
        Ok(tensors.collect())
    })
}
