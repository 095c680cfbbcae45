//! Weights in files, without libtorch: reads checkpoints of PyTorch and safetensors, maps their names, writes them for others.
//!
//! | file | holds |
//! | --- | --- |
//! | `checkpoint`, `content` | a file of weights of any known kind, opened |
//! | `torch_file` | files of `torch.save`: zip and legacy form, a pickle reader that runs nothing |
//! | `safetensors_file` | the header of a safetensors file |
//! | `names` | names of UDI, DINO and timm -> ours |
//! | `shape`, `parameters` | the shape of a model, told from its parameters, and those that it has |
//! | `training`, `optimizer_state` | optimiser, centres, epoch and arguments of a training checkpoint |
//! | `stored`, `derived`, `numbers` | a tensor as it lies in a file, as we name it, as fp32 |
//! | `export` | backbones for other libraries, a format a file |
//! | `write`, `entries`, `measure` | states and networks as safetensors; norms and values that are no numbers |
//! | `average`, `finite` | the mean of several checkpoints; values that are no numbers in a whole file |
//!
//! Every size that a file states is compared with the bytes that there are before memory is taken.

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod average;
mod checkpoint;
mod content;
mod derived;
mod entries;
mod error;
pub mod export;
mod finite;
mod json;
mod measure;
mod names;
mod numbers;
mod optimizer_state;
mod parameters;
mod safetensors_file;
mod shape;
mod stored;
mod torch_file;
mod training;
mod write;

pub use average::write_average;
pub use checkpoint::{Branch, Checkpoint, Format};
pub use error::{Flaw, WeightsError};
pub use finite::{NonFinite, non_finite};
pub use measure::Measure;
pub use names::Naming;
pub use optimizer_state::OptimizerKind;
pub use parameters::Parameter;
pub use shape::{BackboneShape, HeadShape, ModelShape, Part};
pub use torch_file::TorchFormat;
pub use write::StateRequest;
