use std::fs;

use proptest::prelude::*;
use tch::Device;

use super::*;

const WIDTH: i64 = 6;
const CLASSES: i64 = 4;

fn config(candidates: &[(i64, i64)]) -> ProbeConfig {
    let candidate = |&(first_column, columns): &(i64, i64)| ProbeCandidate {
        first_column,
        columns,
    };
    ProbeConfig {
        row_width: WIDTH,
        classes: CLASSES,
        momentum: 0.9,
        seed: 3,
        device: Device::Cpu,
        candidates: candidates.iter().map(candidate).collect(),
    }
}

/// Rows whose class shows in them.
fn rows(count: usize) -> (Vec<f32>, Vec<i32>) {
    let labels: Vec<i32> = (0..count)
        .map(|row| (row % CLASSES as usize) as i32)
        .collect();
    let value = |row: usize, column: usize| {
        let noise = ((row * 31 + column * 17) % 13) as f32 / 13.0;
        noise
            + if column as i32 % CLASSES as i32 == labels[row] {
                1.5
            } else {
                0.0
            }
    };
    let values = (0..count).flat_map(|row| (0..WIDTH as usize).map(move |at| (row, at)));
    (values.map(|(row, at)| value(row, at)).collect(), labels)
}

fn trained(candidates: &[(i64, i64)], rates: &[f64], steps: usize) -> (Probe, Vec<f64>) {
    let mut probe = Probe::new(&config(candidates)).unwrap();
    let (rows, labels) = rows(12);
    let batch = LabelledRows {
        rows: &rows,
        labels: &labels,
    };
    let mut losses = Vec::new();
    for _ in 0..steps {
        losses = probe.step(&batch, rates).unwrap();
    }
    (probe, losses)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_classifier_does_not_notice_those_beside_it(first in 0..4i64, columns in 1..3i64, rate in 0.01..1.0f64) {
        let (alone, alone_losses) = trained(&[(first, columns)], &[rate], 5);
        let among = [(0, WIDTH), (first, columns), (2, 2), (first, columns)];
        let (_, losses) = trained(&among, &[0.3, rate, 5.0, 0.002], 5);
        prop_assert!((losses[1] - alone_losses[0]).abs() < 1e-5);
        prop_assert_eq!(alone.steps(), 5);
    }
}

#[test]
fn one_that_diverges_leaves_the_others_alone() {
    let rates = [1e38, 0.5];
    let (probe, losses) = trained(&[(0, WIDTH), (0, WIDTH)], &rates, 6);
    assert!(!losses[0].is_finite(), "{losses:?}");
    assert!(losses[1] < 1.0, "{losses:?}");
    let (rows, labels) = rows(8);
    let ranks = probe.ranks(&LabelledRows {
        rows: &rows,
        labels: &labels,
    });
    let ranks = ranks.unwrap();
    assert_eq!(ranks[..8], [CLASSES as i32; 8], "no hit without a number");
    assert_eq!(ranks[8..], [0; 8]);
}

#[test]
fn of_equal_logits_the_first_class_goes_before() {
    let mut probe = Probe::new(&config(&[(0, WIDTH)])).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("probe.safetensors");
    for (_, mut tensor) in probe.stacks[0].entries(0) {
        let _ = no_grad(|| tensor.zero_());
    }
    probe.save(&file).unwrap();
    probe.load(&file).unwrap();
    let labels: Vec<i32> = (0..CLASSES as i32).collect();
    let ranks = probe.ranks(&LabelledRows {
        rows: &[1.0; 4 * WIDTH as usize],
        labels: &labels,
    });
    assert_eq!(ranks.unwrap(), labels);
}

#[test]
fn a_state_goes_on_bit_for_bit() {
    let candidates = [(0, WIDTH), (2, 3), (0, WIDTH)];
    let rates = [0.1, 0.2, 0.3];
    let folder = tempfile::tempdir().unwrap();
    let [early, straight, resumed] =
        ["early", "straight", "resumed"].map(|name| folder.path().join(name));
    trained(&candidates, &rates, 3).0.save(&early).unwrap();
    trained(&candidates, &rates, 5).0.save(&straight).unwrap();
    let mut probe = Probe::new(&config(&candidates)).unwrap();
    probe.load(&early).unwrap();
    assert_eq!(probe.steps(), 3);
    let (rows, labels) = rows(12);
    let batch = LabelledRows {
        rows: &rows,
        labels: &labels,
    };
    probe.step(&batch, &rates).unwrap();
    probe.step(&batch, &rates).unwrap();
    probe.save(&resumed).unwrap();
    assert_eq!(fs::read(straight).unwrap(), fs::read(resumed).unwrap());
}

#[test]
fn the_state_of_other_candidates_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("probe.safetensors");
    trained(&[(0, 3)], &[0.1], 1).0.save(&file).unwrap();
    let mut probe = Probe::new(&config(&[(0, 4)])).unwrap();
    let text = probe.load(&file).unwrap_err().to_string();
    assert!(text.contains("candidate.0.weight"), "{text}");
}

#[test]
fn what_does_not_fit_is_named() {
    let error = |config: ProbeConfig| Probe::new(&config).unwrap_err().to_string();
    let beyond = error(config(&[(4, 3)]));
    assert_eq!(
        beyond,
        "candidates: expected columns of a row of 6, received 3 from 4 on"
    );
    let one = ProbeConfig {
        classes: 1,
        ..config(&[(0, 1)])
    };
    assert_eq!(error(one), "classes: expected at least 2, received 1");
    let mut probe = Probe::new(&config(&[(0, WIDTH)])).unwrap();
    let (mut rows, labels) = rows(4);
    rows[WIDTH as usize] = f32::NAN;
    let step = probe.step(
        &LabelledRows {
            rows: &rows,
            labels: &labels,
        },
        &[0.1],
    );
    assert_eq!(
        step.unwrap_err().to_string(),
        "rows: expected finite values, received 1 rows with infinities or values that are no numbers"
    );
    assert_eq!(probe.steps(), 0);
}
