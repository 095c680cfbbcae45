//! The linear probe: the reference's losses, final weights and accuracy from its data and its order of them.

mod device;
mod golden;

use std::{collections::HashMap, fs, path::Path};

use device::device;
use golden::{distance, folder, relative, tensors, values};
use serde::Deserialize;
use tch::{Kind, Tensor};
use udi::{LabelledRows, Probe, ProbeCandidate, ProbeConfig};

#[derive(Deserialize)]
struct Case {
    batch: i64,
    epochs: i64,
    momentum: f64,
    /// One an epoch, as the reference sets them.
    learning_rates: Vec<f64>,
    /// One a step.
    losses: Vec<f64>,
    /// Percent.
    top1: f64,
    top5: f64,
    tolerance: f64,
}

struct Rows(Vec<f32>, Vec<i32>);

impl Rows {
    fn of(rows: &Tensor, labels: &Tensor) -> Self {
        Self(
            values(rows),
            Vec::try_from(labels.to_kind(Kind::Int)).unwrap(),
        )
    }

    fn labelled(&self) -> LabelledRows<'_> {
        LabelledRows {
            rows: &self.0,
            labels: &self.1,
        }
    }
}

/// A probe's own state with the reference's initial weights in it.
fn start(probe: &mut Probe, data: &HashMap<String, Tensor>, file: &Path) {
    probe.save(file).unwrap();
    let mut bytes = fs::read(file).unwrap();
    let saved = tensors(file);
    for name in ["weight", "bias"] {
        replace(
            &mut bytes,
            &saved[&format!("candidate.0.{name}")],
            &data[&format!("initial.{name}")],
            name,
        );
    }
    fs::write(file, bytes).unwrap();
    probe.load(file).unwrap();
}

/// Overwrites a tensor of a safetensors file where its header says that it lies.
fn replace(bytes: &mut [u8], old: &Tensor, new: &Tensor, name: &str) {
    assert_eq!(old.size(), new.size());
    let (header, metadata) = safetensors::SafeTensors::read_metadata(bytes).unwrap();
    let offsets = metadata
        .info(&format!("candidate.0.{name}"))
        .unwrap()
        .data_offsets;
    let start = 8 + header;
    let new: Vec<u8> = values(new)
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    bytes[start + offsets.0..start + offsets.1].copy_from_slice(&new);
}

#[test]
fn the_probe_gives_the_losses_weights_and_accuracy_of_the_reference() {
    let folder = folder().join("linear");
    let case = fs::read_to_string(folder.join("case.json")).unwrap();
    let case: Case = serde_json::from_str(&case).unwrap();
    let data = tensors(&folder.join("tensors.safetensors"));
    let (features, labels) = (&data["features"], &data["labels"]);
    let width = features.size()[1];
    let mut probe = Probe::new(&ProbeConfig {
        row_width: width,
        classes: data["initial.bias"].size()[0],
        momentum: case.momentum,
        seed: 0,
        device: device(),
        candidates: vec![ProbeCandidate {
            first_column: 0,
            columns: width,
        }],
    })
    .unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("probe.safetensors");
    start(&mut probe, &data, &file);
    let mut losses = Vec::new();
    for epoch in 0..case.epochs {
        let order = data["order"].select(0, epoch);
        for part in order.split(case.batch, 0) {
            let batch = Rows::of(
                &features.index_select(0, &part),
                &labels.index_select(0, &part),
            );
            let rates = [case.learning_rates[epoch as usize]];
            losses.extend(probe.step(&batch.labelled(), &rates).unwrap());
        }
    }
    assert_eq!(losses.len(), case.losses.len());
    let pairs = losses.iter().zip(&case.losses);
    let error = pairs.map(|(a, b)| relative(*a, *b)).fold(0.0, f64::max);
    println!("golden linear: largest relative error of a loss {error:.1e}");
    assert!(error < case.tolerance, "losses: {error:e}");

    probe.save(&file).unwrap();
    let saved = tensors(&file);
    for name in ["weight", "bias"] {
        let (received, expected) = (
            &saved[&format!("candidate.0.{name}")],
            &data[&format!("final.{name}")],
        );
        let error = distance(&values(received), &values(expected));
        println!("golden linear: largest error of final.{name} {error:.1e}");
        assert!(error < case.tolerance, "{name}: {error:e}");
    }

    let test = Rows::of(&data["test_features"], &data["test_labels"]);
    let ranks = probe.ranks(&test.labelled()).unwrap();
    let percent = |below: i32| {
        let hits = ranks.iter().filter(|&&rank| rank < below).count();
        100.0 * hits as f64 / ranks.len() as f64
    };
    // The reference counts in fp32.
    assert!(relative(percent(1), case.top1) < 1e-6, "{}", percent(1));
    assert!(relative(percent(5), case.top5) < 1e-6, "{}", percent(5));
}
