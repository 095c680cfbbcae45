//! UDI on libtorch (ECCV 2024, arXiv 2407.17671): Vision Transformer, stratified random sampling attention, projection
//! head, objective, optimisers, and the step that trains them. Knows tensors, nothing of Node.

#![forbid(unsafe_code)]

mod adoption;
mod backbone;
mod backward;
mod batch;
mod config;
mod encoder;
mod erasing;
mod error;
mod frozen;
mod guard;
mod head;
mod inspection;
mod late;
mod layers;
mod learner;
mod maps;
mod matrix_peak;
mod measured;
mod micro_batch;
mod model_memory;
mod neighbours;
mod network;
mod objective;
mod optim;
mod parameters;
mod principal_components;
mod probe;
mod random;
mod sampling;
mod state;
mod stopwatch;
mod trace;
mod transfer;
mod views;

pub use adoption::{Adopted, GivenWeights};
pub use backbone::resample_positions;
pub use batch::{BatchShape, MultiCropBatch, Pixels};
pub use config::{
    HeadConfig, LearnerConfig, ModelConfig, ObjectiveConfig, OptimizerConfig, OptimizerKind,
    Precision, ScheduleValues,
};
pub use encoder::{Encoder, EncoderConfig};
pub use erasing::{ErasedWith, Erasure};
pub use error::UdiError;
pub use frozen::{ImageBatch, Queries};
pub use inspection::{Inspection, InspectionReport};
pub use late::{BegunStep, Reading};
pub use learner::{Branch, Learner, StepReport};
pub use maps::{SamplingMaps, TargetSamples};
pub use neighbours::{Labelled, NeighbourScore, NeighbourVote, neighbour_vote};
pub use principal_components::{ComponentsRequest, PrincipalComponents, principal_components};
pub use probe::{LabelledRows, Probe, ProbeCandidate, ProbeConfig};
pub use state::Snapshot;
pub use stopwatch::Phase;
pub use torch_ext::without_cuda_kernels;
pub use trace::Trace;
pub use views::View;
pub use weight_file::Written;
