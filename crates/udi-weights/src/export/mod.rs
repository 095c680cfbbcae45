//! A trained backbone in the formats of other libraries: one format a file. Nothing is written unless every value is
//! there, finite and within the numbers of the file.

mod array;
mod backbone;
mod huggingface;
mod onnx;
mod plain;
mod positions;
mod stored_as;
mod tensor_file;
mod timm;
mod written_file;

use std::path::Path;

pub use positions::resample_positions;
pub use stored_as::StoredAs;
pub use written_file::WrittenFile;

use crate::{
    checkpoint::{Branch, Checkpoint},
    error::WeightsError,
};
use backbone::Backbone;

/// Whose model it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Our own names.
    Safetensors,
    /// `VisionTransformer` of timm.
    Timm,
    /// DINOv2 of transformers, with a register token where there are two class tokens.
    HuggingFace,
    /// A graph that any ONNX runtime executes.
    Onnx,
}

/// What is to be exported, and how.
#[derive(Debug, Clone)]
pub struct ExportRequest<'a> {
    /// Where the weights are.
    pub checkpoint: &'a Checkpoint,
    /// Whose backbone.
    pub branch: Branch,
    /// Attention heads, of which the weights tell nothing; they divide the width.
    pub heads: usize,
    /// Height and width in pixels of the images that the export is for, multiples of the patch size: positions are
    /// resampled where the grid is not that of the checkpoint.
    pub image_size: (usize, usize),
    /// Whose model it becomes.
    pub format: ExportFormat,
    /// Numbers of the written file.
    pub stored_as: StoredAs,
    /// Facts for the files that have room for some.
    pub notes: &'a [(String, String)],
    /// ONNX: weights that together are larger go to a second file beside it, `<output>.data`.
    pub onnx_inline_bytes: usize,
    /// The file to write.
    pub output: &'a Path,
}

/// Writes one file (ONNX: at most two); it replaces what is there.
pub fn export(request: &ExportRequest) -> Result<Vec<WrittenFile>, WeightsError> {
    let ExportRequest {
        checkpoint,
        branch,
        heads,
        ..
    } = *request;
    let backbone = Backbone::read(checkpoint, branch, heads)?.resampled(request.image_size);
    if let Some(flaw) = backbone.flaw(request.stored_as) {
        return Err(checkpoint.flawed(flaw));
    }
    match request.format {
        ExportFormat::Safetensors => plain::write(backbone, request),
        ExportFormat::Timm => tensor_file::write(timm::tensors(backbone), request),
        ExportFormat::HuggingFace => tensor_file::write(huggingface::tensors(backbone), request),
        ExportFormat::Onnx => onnx::write(backbone, request),
    }
}

#[cfg(test)]
mod tests;
