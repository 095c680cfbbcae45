//! Weights under our names as safetensors files, a tensor in memory at a time.

use std::path::Path;

use safetensors::Dtype;
use serde_json::json;
use weight_file::Written;

use crate::{
    checkpoint::{Branch, Checkpoint},
    derived::Derived,
    entries::Entries,
    error::{Flaw, WeightsError},
    optimizer_state::OptimizerKind,
    shape::{BACKBONE, HeadShape, ModelShape},
};

/// Metadata of a learner's state.
const STATE: (&str, &str) = ("format", "udi-native state 1");
/// Key of the metadata under which the architecture of a backbone on its own stands, as one JSON object.
pub(crate) const BACKBONE_NOTE: &str = "udi-native backbone 1";

/// What a state is completed to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateRequest {
    /// The rule that the run goes on with.
    pub optimizer: OptimizerKind,
    /// The prototypes' norms are not trained.
    pub norms_frozen: bool,
    /// Steps made.
    pub steps: i64,
}

impl Checkpoint {
    /// Writes what the engine loads to go on: networks, optimiser, centres, loss scale, step number. What the file lacks
    /// starts anew (moments, centres), and a single network is both student and teacher.
    pub fn write_state(&self, request: StateRequest, path: &Path) -> Result<Written, WeightsError> {
        let head = self.shape().head.ok_or_else(|| {
            self.flawed(Flaw::new(
                "head",
                "a projection head, to go on with the run",
                "none",
            ))
        })?;
        let branches = self.branches();
        let one_of = |wanted: Branch| {
            let held = branches.contains(&wanted).then_some(wanted);
            held.or(branches.first().copied()).unwrap_or(wanted)
        };
        let mut entries = Entries::default();
        for (prefix, branch) in [("student", Branch::Student), ("teacher", Branch::Teacher)] {
            entries.add_all(prefix, self.network(one_of(branch))?);
        }
        let steps = self.add_optimizer(&mut entries, request);
        self.add_centers(&mut entries, head)?;
        let scale = self.training.loss_scale.unwrap_or([1.0, 0.0]);
        entries.add_wide(
            "optimizer.steps",
            Dtype::I64,
            steps.iter().flat_map(|count| count.to_le_bytes()),
        );
        entries.add_wide("steps", Dtype::I64, request.steps.to_le_bytes());
        entries.add_wide(
            "loss_scale",
            Dtype::F64,
            scale.iter().flat_map(|value| value.to_le_bytes()),
        );
        self.write(&entries, STATE, path)
    }

    /// Writes the backbone of a network under the names of a backbone-only file (`cls_token`, `blocks.0.norm1.weight`, …),
    /// fp32, with its architecture in the header.
    pub fn write_backbone(
        &self,
        branch: Branch,
        heads: usize,
        path: &Path,
    ) -> Result<Written, WeightsError> {
        let mut entries = Entries::default();
        for (name, tensor) in self.network(branch)? {
            if let Some(name) = name.strip_prefix(BACKBONE) {
                entries.add(name.to_owned(), tensor.clone());
            }
        }
        let shape = self.shape().backbone;
        let note = json!({
            "width": shape.width,
            "depth": shape.depth,
            "heads": heads,
            "mlpWidth": shape.mlp_width,
            "patchSize": shape.patch_size,
            "imageSize": [shape.image_size, shape.image_size],
            "classTokens": shape.class_tokens,
        });
        self.write(&entries, (BACKBONE_NOTE, &note.to_string()), path)
    }

    /// Returns the updates made of each parameter, in the engine's order.
    fn add_optimizer(&self, entries: &mut Entries, request: StateRequest) -> Vec<i64> {
        let held = self.training.optimizer.as_ref();
        let held = held.filter(|state| state.kind == request.optimizer);
        let mut steps = Vec::new();
        for parameter in self.shape().parameters() {
            let slot = held.and_then(|state| state.slots.get(&parameter.name));
            let frozen = request.norms_frozen && parameter.name.ends_with("last_layer.weight_g");
            if !parameter.learns || frozen {
                steps.push(0);
                continue;
            }
            let zeros = || Derived::Zeros(parameter.shape.clone());
            let first = slot.map_or_else(zeros, |slot| slot.first.clone());
            entries.add(format!("optimizer.first.{}", parameter.name), first);
            if request.optimizer == OptimizerKind::AdamW {
                let second = slot.and_then(|slot| slot.second.clone());
                let name = format!("optimizer.second.{}", parameter.name);
                entries.add(name, second.unwrap_or_else(zeros));
            }
            steps.push(slot.map_or(0, |slot| slot.steps));
        }
        steps
    }

    fn add_centers(&self, entries: &mut Entries, head: HeadShape) -> Result<(), WeightsError> {
        let shape = vec![levels(self.shape()), head.prototypes];
        let centers = match &self.training.centers {
            None => Derived::Zeros(shape),
            Some(stored) if stored.shape() == shape => Derived::Stored(stored.clone()),
            Some(stored) => {
                let found = format!("{:?}", stored.shape());
                return Err(self.flawed(Flaw::new("centers", format!("shape {shape:?}"), found)));
            }
        };
        entries.add("centers".to_owned(), centers);
        Ok(())
    }
}

/// Levels that have a centre.
fn levels(shape: ModelShape) -> usize {
    shape.backbone.class_tokens + usize::from(shape.sampling)
}
