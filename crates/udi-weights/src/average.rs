//! The mean of several checkpoints' weights, a tensor in memory at a time.

use std::{collections::HashMap, io, path::Path};

use safetensors::Dtype;
use weight_file::{Described, HashedFile, Layout, Written};

use crate::{
    checkpoint::{Branch, Checkpoint},
    error::{Flaw, WeightsError},
    numbers,
    shape::{HeadShape, ModelShape},
};

/// Metadata of networks without what training them takes: no learner's state.
const NETWORKS: (&str, &str) = ("format", "udi-native networks 1");

/// Writes student and teacher, each the mean of those of the checkpoints, as `student.NAME` and `teacher.NAME` in fp32. Sums
/// are made in fp64. All must hold the same networks of the same shape, and only finite values.
pub fn write_average(checkpoints: &[Checkpoint], path: &Path) -> Result<Written, WeightsError> {
    let unwritten = |source| WeightsError::Io {
        path: path.to_owned(),
        action: "written",
        source,
    };
    let Some((first, others)) = checkpoints.split_first() else {
        return Err(unwritten(io::Error::other("there is nothing to average")));
    };
    for other in others {
        require_same(first, other)?;
    }
    let tensors = tensors(first)?;
    let described: Vec<_> = tensors.iter().map(Averaged::described).collect();
    let metadata = HashMap::from([(NETWORKS.0.to_owned(), NETWORKS.1.to_owned())]);
    let layout =
        Layout::new(&described, metadata).map_err(|error| unwritten(io::Error::other(error)))?;
    let mut file = HashedFile::create(path, layout.bytes()).map_err(unwritten)?;
    file.write(layout.header()).map_err(unwritten)?;
    for &index in layout.order() {
        let mean = tensors[index].mean(checkpoints)?;
        file.write(&numbers::to_bytes(&mean)).map_err(unwritten)?;
    }
    file.finish().map_err(unwritten)
}

/// A parameter of a network.
struct Averaged {
    branch: Branch,
    name: String,
    shape: Vec<usize>,
}

impl Averaged {
    fn described(&self) -> Described {
        Described {
            name: format!("{}.{}", self.branch.name(), self.name),
            dtype: Dtype::F32,
            shape: self.shape.clone(),
        }
    }

    fn mean(&self, checkpoints: &[Checkpoint]) -> Result<Vec<f32>, WeightsError> {
        let mut sums = vec![0.0; self.shape.iter().product()];
        for checkpoint in checkpoints {
            let values = checkpoint.values(self.branch, &self.name)?;
            for (sum, value) in sums.iter_mut().zip(&values) {
                *sum += f64::from(*value);
            }
            if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                let name = format!("{}.{}", self.branch.name(), self.name);
                let flaw = Flaw::new(name, "finite values", value.to_string());
                return Err(checkpoint.flawed(flaw));
            }
        }
        let count = checkpoints.len() as f64;
        Ok(sums.into_iter().map(|sum| (sum / count) as f32).collect())
    }
}

fn tensors(checkpoint: &Checkpoint) -> Result<Vec<Averaged>, WeightsError> {
    let mut tensors = Vec::new();
    for branch in checkpoint.branches() {
        for (name, derived) in checkpoint.network(branch)? {
            tensors.push(Averaged {
                branch,
                name: name.clone(),
                shape: derived.shape(),
            });
        }
    }
    Ok(tensors)
}

/// Refuses another model, and names the first thing in which it differs.
fn require_same(first: &Checkpoint, other: &Checkpoint) -> Result<(), WeightsError> {
    let differs = |part: &str, expected: String, found: String| {
        let expected = format!("{expected} as in {}", first.path().display());
        Err(other.flawed(Flaw::new(part, expected, found)))
    };
    let networks = |checkpoint: &Checkpoint| {
        let names = checkpoint.branches().into_iter().map(Branch::name);
        names.collect::<Vec<_>>().join(" and ")
    };
    let (expected, found) = (facts(first.shape()), facts(other.shape()));
    for ((part, expected), (_, found)) in expected.into_iter().zip(found) {
        if expected != found {
            return differs(part, expected, found);
        }
    }
    let (expected, found) = (networks(first), networks(other));
    if expected != found {
        return differs("networks", expected, found);
    }
    let (expected, found) = (tensors(first)?, tensors(other)?);
    let same = |a: &Averaged, b: &Averaged| a.name == b.name && a.shape == b.shape;
    let pairs = expected.iter().zip(&found);
    if let Some((a, b)) = pairs.into_iter().find(|(a, b)| !same(a, b)) {
        let told = |tensor: &Averaged| format!("{} {:?}", tensor.name, tensor.shape);
        return differs("parameter", told(a), told(b));
    }
    match expected.len() == found.len() {
        true => Ok(()),
        false => differs(
            "parameters",
            expected.len().to_string(),
            found.len().to_string(),
        ),
    }
}

/// What makes a shape, by the keys of the configuration.
fn facts(shape: ModelShape) -> Vec<(&'static str, String)> {
    let backbone = shape.backbone;
    let of_head = |read: fn(HeadShape) -> usize| match shape.head {
        Some(head) => read(head).to_string(),
        None => "no head".to_owned(),
    };
    vec![
        ("model.width", backbone.width.to_string()),
        ("model.depth", backbone.depth.to_string()),
        (
            "hidden width of model.mlpRatio",
            backbone.mlp_width.to_string(),
        ),
        ("model.patchSize", backbone.patch_size.to_string()),
        ("crops.globalSize", backbone.image_size.to_string()),
        ("model.classTokens", backbone.class_tokens.to_string()),
        ("model.includePatch", shape.sampling.to_string()),
        ("model.head.prototypes", of_head(|head| head.prototypes)),
        ("model.head.hiddenWidth", of_head(|head| head.hidden_width)),
        (
            "model.head.bottleneckWidth",
            of_head(|head| head.bottleneck_width),
        ),
        (
            "model.head.batchNorm",
            of_head(|head| usize::from(head.batch_norm)),
        ),
    ]
}
