//! Looking at a learner in training, as its callers see it.

mod device;
mod small;

use std::{env, fs, process};

use small::{AT, PATCH, config};
use udi::{BatchShape, Inspection, InspectionReport, Learner, MultiCropBatch, Pixels, Precision};

const SIDE: i64 = 8;
const IMAGE: usize = (3 * SIDE * SIDE) as usize;

/// One class token and no patch level, so that batches need no maps; BatchNorm has statistics that a pass could move.
fn learner(precision: Precision) -> Learner {
    let mut config = config();
    config.model.image_size = SIDE;
    config.model.class_tokens = 1;
    config.model.include_patch = false;
    config.model.head.batch_norm = true;
    config.precision = precision;
    Learner::new(&config).unwrap()
}

/// Pixels of view `view` of image `image`.
fn pixels(image: usize, view: usize) -> Vec<u8> {
    let byte = |place: usize| ((place * (place + 7 + 31 * image) + 13 * view) % 251) as u8;
    (0..IMAGE).map(byte).collect()
}

/// The images `from..to`, with views that `view` chooses for the first and the second.
fn batch((from, to): (usize, usize), view: impl Fn(usize, usize) -> Vec<u8>) -> MultiCropBatch {
    let shape = BatchShape {
        images: (to - from) as i64,
        global_size: SIDE,
        local_crops: 0,
        local_size: 0,
    };
    let globals: Vec<u8> = (0..2)
        .flat_map(|place| (from..to).map(move |image| (image, place)))
        .flat_map(|(image, place)| view(image, place))
        .collect();
    let views = (Pixels::Bytes(&globals), Pixels::Bytes(&[]));
    MultiCropBatch::new(shape, PATCH, views.0, views.1, None).unwrap()
}

fn inspected(learner: &Learner, batches: &[MultiCropBatch]) -> InspectionReport {
    let mut inspection = Inspection::default();
    for batch in batches {
        learner.inspect(batch, &mut inspection).unwrap();
    }
    learner.inspected(&inspection, 0.05).unwrap()
}

fn state(learner: &Learner, name: &str) -> Vec<u8> {
    let folder = env::temp_dir().join(format!("udi-inspection-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(name);
    learner.save(&file).unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    bytes
}

#[test]
fn a_learner_that_is_looked_at_goes_on_to_the_same_bits() {
    let (mut watched, mut alone) = (learner(Precision::Fp32), learner(Precision::Fp32));
    for step in 0..3 {
        let images = (4 * step, 4 * step + 4);
        let before = state(&watched, "before");
        inspected(&watched, &[batch((0, 6), pixels)]);
        assert!(before == state(&watched, "after"), "step {step}");
        let report = watched.step(&batch(images, pixels), &AT).unwrap();
        assert_eq!(report, alone.step(&batch(images, pixels), &AT).unwrap());
    }
    assert!(state(&watched, "watched") == state(&alone, "alone"));
}

#[test]
fn images_may_be_fed_in_any_batches() {
    let mut learner = learner(Precision::Fp32);
    learner.step(&batch((0, 8), pixels), &AT).unwrap();
    let whole = inspected(&learner, &[batch((0, 12), pixels)]);
    let parts = [(0, 5), (5, 6), (6, 12)].map(|part| batch(part, pixels));
    let in_parts = inspected(&learner, &parts);
    assert_eq!(whole.images, 12);
    assert_eq!(whole.largest_rank, 12);
    assert!((whole.effective_rank - in_parts.effective_rank).abs() < 1e-3);
    assert!((whole.mean_entropy - in_parts.mean_entropy).abs() < 1e-4);
    assert_eq!(whole.agreement, in_parts.agreement);
    assert_eq!(whole.center_norms, in_parts.center_norms);
}

#[test]
fn a_fresh_student_agrees_with_its_teacher_where_both_see_the_same() {
    for precision in [Precision::Fp32, Precision::Bf16] {
        let learner = learner(precision);
        let same = inspected(&learner, &[batch((0, 12), |image, _| pixels(image, 0))]);
        assert_eq!(same.agreement, 1.0);
        assert_eq!(same.center_norms, [("cls", 0.0)]);
    }
}

#[test]
fn the_teacher_sees_the_first_view_alone() {
    let learner = learner(Precision::Fp32);
    let views = |second: usize| move |image, view| pixels(image, [0, second][view]);
    let reports = [1, 2].map(|second| inspected(&learner, &[batch((0, 12), views(second))]));
    assert_eq!(reports[0].effective_rank, reports[1].effective_rank);
    assert_eq!(reports[0].entropy_of_mean, reports[1].entropy_of_mean);
    let swapped = inspected(
        &learner,
        &[batch((0, 12), |image, view| pixels(image, 1 - view))],
    );
    assert_ne!(swapped.effective_rank, reports[0].effective_rank);
}

#[test]
fn images_that_are_all_the_same_look_like_a_collapse() {
    let learner = learner(Precision::Fp32);
    let report = inspected(&learner, &[batch((0, 12), |_, _| pixels(3, 0))]);
    assert!((report.effective_rank - 1.0).abs() < 1e-3);
    assert!(report.spread < 1e-5);
    assert!(report.entropy_of_mean - report.mean_entropy < 1e-5);
    assert_eq!(report.prototypes_used, 1.0 / 12.0);
    assert_eq!(report.chance_agreement, 1.0);
}

#[test]
fn what_shows_nothing_is_refused() {
    let learner = learner(Precision::Fp32);
    let mut inspection = Inspection::default();
    let refused = |inspection: &Inspection, temperature| {
        let result = learner.inspected(inspection, temperature);
        result.unwrap_err().to_string()
    };
    assert_eq!(
        refused(&inspection, 0.05),
        "inspection: expected at least 2 images, received 0"
    );
    learner
        .inspect(&batch((0, 2), pixels), &mut inspection)
        .unwrap();
    assert_eq!(
        refused(&inspection, 0.0),
        "teacherTemperature: expected a number above 0, received 0"
    );
}

#[test]
fn features_that_are_no_numbers_are_an_error() {
    let learner = learner(Precision::Fp32);
    let shape = BatchShape {
        images: 2,
        global_size: SIDE,
        local_crops: 0,
        local_size: 0,
    };
    let globals = vec![f32::NAN; 4 * IMAGE];
    let views = (Pixels::Floats(&globals), Pixels::Bytes(&[]));
    let batch = MultiCropBatch::new(shape, PATCH, views.0, views.1, None).unwrap();
    let mut inspection = Inspection::default();
    learner.inspect(&batch, &mut inspection).unwrap();
    let error = learner.inspected(&inspection, 0.05).unwrap_err();
    assert!(
        error.to_string().contains("the teacher's features"),
        "{error}"
    );
}
