//! A backbone written for another library, on a thread of its own.

use std::path::PathBuf;

use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use udi_weights::export::{ExportFormat, ExportRequest, StoredAs, WrittenFile, export};

use crate::{
    failure::Failure,
    shapes::{ExportOptions, ExportedFile},
    weights::{branch, on_thread, opened, refused},
};

/// Writes a network's backbone; returns the files written. What is at the output's path is replaced.
#[napi(catch_unwind)]
pub fn export_backbone(
    env: &Env,
    options: ExportOptions,
) -> napi::Result<PromiseRaw<'_, Vec<ExportedFile>>> {
    on_thread(env, move || {
        let checkpoint = opened(&options.file)?;
        let notes = options.notes.into_iter().map(|note| (note.key, note.value));
        let written = export(&ExportRequest {
            checkpoint: &checkpoint,
            branch: branch(&options.network)?,
            heads: options.heads as usize,
            image_size: (options.height as usize, options.width as usize),
            format: format(&options.format)?,
            stored_as: stored_as(&options.dtype)?,
            notes: &notes.collect::<Vec<_>>(),
            onnx_inline_bytes: usize::try_from(options.onnx_inline_bytes).unwrap_or(0),
            output: &PathBuf::from(options.output),
        })?;
        Ok(written.into_iter().map(ExportedFile::from).collect())
    })
}

impl From<WrittenFile> for ExportedFile {
    fn from(file: WrittenFile) -> Self {
        Self {
            path: file.path.to_string_lossy().into_owned(),
            bytes: i64::try_from(file.bytes).unwrap_or(i64::MAX),
            sha256: file.sha256,
        }
    }
}

fn format(name: &str) -> Result<ExportFormat, Failure> {
    match name {
        "safetensors" => Ok(ExportFormat::Safetensors),
        "timm" => Ok(ExportFormat::Timm),
        "huggingface" => Ok(ExportFormat::HuggingFace),
        "onnx" => Ok(ExportFormat::Onnx),
        other => Err(refused(
            "format",
            "safetensors, timm, huggingface or onnx",
            other,
        )),
    }
}

fn stored_as(name: &str) -> Result<StoredAs, Failure> {
    match name {
        "fp32" => Ok(StoredAs::Fp32),
        "fp16" => Ok(StoredAs::Fp16),
        other => Err(refused("dtype", "fp32 or fp16", other)),
    }
}
