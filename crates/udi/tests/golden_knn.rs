//! The weighted nearest-neighbour vote.

mod device;
mod golden;

use std::{collections::BTreeMap, fs};

use device::device;
use golden::{folder, tensors, values};
use serde::Deserialize;
use tch::{Kind, Tensor};
use udi::{Labelled, NeighbourVote, neighbour_vote};

#[derive(Deserialize)]
struct Expected {
    classes: i64,
    temperature: f64,
    /// Percent, by number of neighbours.
    top1_top5: BTreeMap<i64, (f64, f64)>,
}

fn labels(tensor: &Tensor) -> Vec<i32> {
    Vec::try_from(tensor.to_kind(Kind::Int)).unwrap()
}

/// Rows of norm 1, as the vote takes them.
fn normalised(rows: &Tensor) -> Vec<f32> {
    values(&(rows / rows.norm_scalaropt_dim(2, [1].as_slice(), true)))
}

#[test]
fn the_vote_gives_the_accuracies_of_the_reference() {
    let folder = folder().join("knn");
    let expected = fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Expected = serde_json::from_str(&expected).unwrap();
    let features = tensors(&folder.join("features.safetensors"));
    let neighbours: Vec<i64> = expected.top1_top5.keys().copied().collect();
    assert!(!neighbours.is_empty(), "no cases");
    let scores = neighbour_vote(&NeighbourVote {
        train: Labelled {
            rows: &normalised(&features["train_features"]),
            labels: &labels(&features["train_labels"]),
        },
        test: Some(Labelled {
            rows: &normalised(&features["test_features"]),
            labels: &labels(&features["test_labels"]),
        }),
        width: features["train_features"].size()[1],
        classes: expected.classes,
        neighbours: &neighbours,
        temperature: expected.temperature,
        device: device(),
    })
    .unwrap();
    for (score, (k, top)) in scores.iter().zip(&expected.top1_top5) {
        let received = (100.0 * score.top1, 100.0 * score.top5);
        let error = (received.0 - top.0).abs().max((received.1 - top.1).abs());
        println!("golden knn/{k} neighbours: largest error {error:.1e} percent points");
        assert!(error < 1e-9, "{k}: expected {top:?}, received {received:?}");
    }
}
