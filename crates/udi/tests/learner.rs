//! The learner as its callers see it.

mod device;
#[path = "learner/late.rs"]
mod late;
mod small;

use std::{env, fs, path::PathBuf, process};

use small::{AT, PATCH, config};
use tch::Device;
use udi::{
    BatchShape, Branch, ImageBatch, Learner, LearnerConfig, MultiCropBatch, OptimizerKind, Pixels,
    Precision, Queries, SamplingMaps, ScheduleValues, StepReport, TargetSamples, UdiError,
};

const SHAPE: BatchShape = BatchShape {
    images: 2,
    global_size: 16,
    local_crops: 2,
    local_size: 8,
};
/// Samples a pair, of global and of local crops.
const SAMPLES: (usize, usize) = (2, 1);
/// Tokens of a global crop.
const TOKENS: i32 = 16;

/// Which samples of a batch are valid.
#[derive(Debug, Clone, Copy)]
enum Valid {
    All,
    None,
    FirstImage,
}

struct Arrays {
    globals: Vec<u8>,
    locals: Vec<u8>,
    source: Vec<i32>,
    global_target: (Vec<i32>, Vec<f32>),
    local_target: (Vec<i32>, Vec<f32>),
}

impl Arrays {
    /// Different pixels and samples for each `seed`.
    fn new(seed: usize, valid: Valid) -> Self {
        let images = SHAPE.images as usize;
        let pixels = |count: usize| {
            (0..count)
                .map(|i| ((i * (i + 7 + 31 * seed)) % 251) as u8)
                .collect()
        };
        let is_valid = |row: usize| match valid {
            Valid::All => true,
            Valid::None => false,
            Valid::FirstImage => row.is_multiple_of(images),
        };
        let source = |row: usize, sample: usize| match is_valid(row) {
            true => ((row + 3 * sample + seed) % TOKENS as usize) as i32,
            false => -1,
        };
        let rows = 2 * images;
        let target = |rows: usize, samples: usize| {
            let token = |i: usize| ((i * 5 + seed) % TOKENS as usize) as i32;
            let weights = |row: usize| {
                if is_valid(row) {
                    [0.4, 0.3, 0.2, 0.1]
                } else {
                    [0.0; 4]
                }
            };
            let tokens = (0..rows * samples * 4).map(token).collect();
            let weights = (0..rows)
                .flat_map(|row| weights(row).repeat(samples))
                .collect();
            (tokens, weights)
        };
        let crops = SHAPE.local_crops as usize;
        Self {
            globals: pixels(2 * images * 3 * 16 * 16),
            locals: pixels(crops * images * 3 * 8 * 8),
            source: (0..rows)
                .flat_map(|row| (0..SAMPLES.0).map(move |sample| source(row, sample)))
                .collect(),
            global_target: target(rows, SAMPLES.0),
            local_target: target(rows * crops, SAMPLES.1),
        }
    }

    fn maps(&self) -> SamplingMaps<'_> {
        SamplingMaps {
            global_source: &self.source,
            global_target: TargetSamples {
                tokens: &self.global_target.0,
                weights: &self.global_target.1,
            },
            local_target: TargetSamples {
                tokens: &self.local_target.0,
                weights: &self.local_target.1,
            },
        }
    }

    fn batch(&self) -> Result<MultiCropBatch, UdiError> {
        let (globals, locals) = (Pixels::Bytes(&self.globals), Pixels::Bytes(&self.locals));
        MultiCropBatch::new(SHAPE, PATCH, globals, locals, Some(self.maps()))
    }
}

fn batch(seed: usize, valid: Valid) -> MultiCropBatch {
    Arrays::new(seed, valid).batch().unwrap()
}

fn all_weights(learner: &Learner, branch: Branch) -> Vec<f32> {
    let parameters = 0..learner.parameter_names().len();
    parameters
        .flat_map(|index| learner.parameter(branch, index).unwrap())
        .collect()
}

/// A file of this test alone, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(env::temp_dir().join(format!("udi-{}-{name}.safetensors", process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_learner_learns_the_same_batch() {
    let mut learner = Learner::new(&config()).unwrap();
    let batch = batch(1, Valid::All);
    let losses: Vec<f64> = (0..30)
        .map(|_| learner.step(&batch, &AT).unwrap().loss)
        .collect();
    assert!(losses.iter().all(|loss| loss.is_finite()));
    assert!(losses[29] < losses[0] - 0.2, "{losses:?}");
}

#[test]
fn any_share_of_valid_samples_gives_finite_numbers() {
    for valid in [Valid::All, Valid::None, Valid::FirstImage] {
        for class_tokens in [1, 2] {
            let mut config = config();
            config.model.class_tokens = class_tokens;
            let mut learner = Learner::new(&config).unwrap();
            for seed in 0..3 {
                let report = learner.step(&batch(seed, valid), &AT).unwrap();
                assert!(report.loss.is_finite() && report.gradient_norm.is_finite());
                assert_eq!(report.levels.len(), class_tokens as usize + 1);
            }
            assert!(
                all_weights(&learner, Branch::Student)
                    .iter()
                    .all(|weight| weight.is_finite())
            );
            assert!(
                learner
                    .centers()
                    .unwrap()
                    .iter()
                    .all(|center| center.is_finite())
            );
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_steps_and_another_seed_gives_others() {
    let run = |seed| {
        let mut learner = Learner::new(&LearnerConfig { seed, ..config() }).unwrap();
        (0..3).for_each(|index| drop(learner.step(&batch(index, Valid::All), &AT).unwrap()));
        all_weights(&learner, Branch::Student)
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn a_learner_that_was_saved_goes_on_as_if_it_had_not_stopped() {
    for kind in [
        OptimizerKind::AdamW,
        OptimizerKind::Sgd,
        OptimizerKind::Lars,
    ] {
        let file = Scratch::new(&format!("resume-{kind:?}"));
        let mut config = config();
        config.optimizer.kind = kind;
        let frozen = ScheduleValues {
            freeze_last_layer: true,
            ..AT
        };
        let mut whole = Learner::new(&config).unwrap();
        (0..3).for_each(|index| drop(whole.step(&batch(index, Valid::All), &frozen).unwrap()));
        whole.save(&file.0).unwrap();
        let mut resumed = Learner::new(&LearnerConfig { seed: 5, ..config }).unwrap();
        resumed.load(&file.0).unwrap();
        assert_eq!(resumed.steps(), 3);
        for index in 3..6 {
            let batch = batch(index, Valid::FirstImage);
            assert_eq!(
                whole.step(&batch, &AT).unwrap(),
                resumed.step(&batch, &AT).unwrap()
            );
        }
        for branch in [Branch::Student, Branch::Teacher] {
            assert_eq!(all_weights(&whole, branch), all_weights(&resumed, branch));
        }
        assert_eq!(whole.centers().unwrap(), resumed.centers().unwrap());
    }
}

#[test]
fn the_same_state_is_the_same_bytes() {
    let files = [Scratch::new("bytes-a"), Scratch::new("bytes-b")];
    let learner = Learner::new(&config()).unwrap();
    for file in &files {
        learner.save(&file.0).unwrap();
    }
    assert_eq!(
        fs::read(&files[0].0).unwrap(),
        fs::read(&files[1].0).unwrap()
    );
}

#[test]
fn a_state_that_does_not_fit_is_refused_and_changes_nothing() {
    let file = Scratch::new("misfit");
    let mut learner = Learner::new(&config()).unwrap();
    learner.save(&file.0).unwrap();
    let mut other = config();
    other.model.head.prototypes = 25;
    let mut other = Learner::new(&other).unwrap();
    let before = all_weights(&other, Branch::Student);
    let error = other.load(&file.0).unwrap_err().to_string();
    assert!(
        error.contains("head.0.last_layer.weight_g of kind F32 and shape [25, 1]"),
        "{error}"
    );
    assert!(error.contains("shape [24, 1]"), "{error}");
    assert_eq!(all_weights(&other, Branch::Student), before);

    let whole = fs::read(&file.0).unwrap();
    fs::write(&file.0, &whole[..whole.len() / 2]).unwrap();
    let error = learner.load(&file.0).unwrap_err().to_string();
    assert!(
        error.contains("expected a whole safetensors file"),
        "{error}"
    );
    let missing = learner
        .load(&file.0.with_extension("none"))
        .unwrap_err()
        .to_string();
    assert!(missing.ends_with("cannot be read"), "{missing}");
}

#[test]
fn a_file_with_another_mark_is_refused_though_its_tensors_would_fit() {
    let mut learner = Learner::new(&config()).unwrap();
    let file = Scratch::new("mark");
    learner.save(&file.0).unwrap();
    let (mark, other) = (b"udi-native state 1", b"udi-native state 2");
    let mut bytes = fs::read(&file.0).unwrap();
    let place = bytes.windows(mark.len()).position(|part| part == mark);
    let place = place.unwrap();
    bytes[place..place + other.len()].copy_from_slice(other);
    fs::write(&file.0, bytes).unwrap();
    let error = learner.load(&file.0).unwrap_err().to_string();
    let expected = "expected a file marked \"udi-native state 1\", found \"udi-native state 2\"";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn a_loss_that_is_not_finite_is_an_error_and_changes_nothing() {
    let mut learner = Learner::new(&config()).unwrap();
    let arrays = Arrays::new(1, Valid::All);
    let globals = vec![f32::NAN; arrays.globals.len()];
    let views = (Pixels::Floats(&globals), Pixels::Bytes(&arrays.locals));
    let poisoned =
        MultiCropBatch::new(SHAPE, PATCH, views.0, views.1, Some(arrays.maps())).unwrap();
    let before = all_weights(&learner, Branch::Teacher);
    let error = learner.step(&poisoned, &AT).unwrap_err();
    assert!(
        matches!(
            error,
            UdiError::NonFinite {
                step: 1,
                term: "globalCls",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(all_weights(&learner, Branch::Teacher), before);
    assert!(
        learner
            .step(&arrays.batch().unwrap(), &AT)
            .unwrap()
            .loss
            .is_finite()
    );
    assert_eq!(learner.steps(), 1);
}

#[test]
fn a_frozen_last_layer_stays_as_it_is_while_the_rest_learns() {
    let mut learner = Learner::new(&config()).unwrap();
    let frozen = ScheduleValues {
        freeze_last_layer: true,
        ..AT
    };
    let before: Vec<Vec<f32>> = values_by_parameter(&learner);
    learner.step(&batch(1, Valid::All), &frozen).unwrap();
    let after = values_by_parameter(&learner);
    for ((name, before), after) in learner.parameter_names().iter().zip(before).zip(after) {
        assert_eq!(before == after, name.contains("last_layer"), "{name}");
    }
}

fn values_by_parameter(learner: &Learner) -> Vec<Vec<f32>> {
    let parameters = 0..learner.parameter_names().len();
    parameters
        .map(|index| learner.parameter(Branch::Student, index).unwrap())
        .collect()
}

/// A learner of this precision and what its first steps report.
fn run(precision: Precision, steps: usize) -> (Learner, Vec<StepReport>) {
    let mut learner = Learner::new(&LearnerConfig {
        precision,
        ..config()
    })
    .unwrap();
    let reports = (0..steps)
        .map(|index| learner.step(&batch(index, Valid::All), &AT).unwrap())
        .collect();
    (learner, reports)
}

#[test]
fn bf16_trains_near_fp32() {
    let (exact, near) = (run(Precision::Fp32, 4).1, run(Precision::Bf16, 4).1);
    for (near, exact) in near.iter().zip(&exact) {
        // A logit of at most 10 is off by at most 10 / 256.
        assert!(
            (near.loss - exact.loss).abs() < 0.05,
            "{} {}",
            near.loss,
            exact.loss
        );
        assert!(!near.skipped);
    }
}

#[test]
fn fp16_skips_steps_that_overflow_until_the_scale_fits_and_then_learns() {
    let fresh = Learner::new(&config()).unwrap();
    let exact = run(Precision::Fp32, 1).1;
    let (learner, reports) = run(Precision::Fp16, 16);
    assert!((reports[0].loss - exact[0].loss).abs() < 0.05);
    let skipped = reports.iter().take_while(|report| report.skipped).count();
    assert!(skipped < 16, "the scale never fitted");
    for (index, report) in reports.iter().enumerate() {
        assert_eq!(report.skipped, index < skipped);
        assert_eq!(
            report.loss_scale,
            65536.0 / f64::powi(2.0, index.min(skipped) as i32)
        );
    }
    assert_ne!(
        all_weights(&learner, Branch::Student),
        all_weights(&fresh, Branch::Student)
    );
}

#[test]
fn batch_norm_in_the_head_trains() {
    let mut config = config();
    config.model.head.batch_norm = true;
    let mut learner = Learner::new(&config).unwrap();
    let batch = batch(1, Valid::FirstImage);
    let losses: Vec<f64> = (0..20)
        .map(|_| learner.step(&batch, &AT).unwrap().loss)
        .collect();
    assert!(losses[19] < losses[0], "{losses:?}");
    assert!(
        learner
            .parameter_names()
            .contains(&"head.0.mlp.1.running_mean")
    );
}

#[test]
fn maps_that_point_outside_their_crop_are_refused_with_their_place() {
    let message = |spoil: &dyn Fn(&mut Arrays)| {
        let mut arrays = Arrays::new(1, Valid::All);
        spoil(&mut arrays);
        arrays.batch().map(|_| ()).unwrap_err().to_string()
    };
    let source = message(&|arrays| arrays.source[3] = TOKENS);
    assert_eq!(
        source,
        "maps.globalSource[3]: expected a token from -1 to 15, received 16"
    );
    let target = message(&|arrays| arrays.local_target.0[2] = -1);
    assert_eq!(
        target,
        "maps.localTarget.tokens[2]: expected a token from 0 to 15, received -1"
    );
    let weight = message(&|arrays| arrays.global_target.1[0] = f32::NAN);
    assert!(
        weight.starts_with("maps.globalTarget.weights[0]: expected a bilinear weight"),
        "{weight}"
    );
    let length = message(&|arrays| arrays.global_target.1.truncate(5));
    assert!(
        length.starts_with("maps.globalTarget.weights: expected 32 values"),
        "{length}"
    );
    let empty = message(&|arrays| arrays.source.clear());
    assert!(
        empty.starts_with("maps.globalSource: expected a number of samples"),
        "{empty}"
    );
}

#[test]
fn a_batch_without_the_maps_that_the_model_needs_is_refused() {
    let mut learner = Learner::new(&config()).unwrap();
    let arrays = Arrays::new(1, Valid::All);
    let (globals, locals) = (
        Pixels::Bytes(&arrays.globals),
        Pixels::Bytes(&arrays.locals),
    );
    let bare = MultiCropBatch::new(SHAPE, PATCH, globals, locals, None).unwrap();
    let error = learner.step(&bare, &AT).unwrap_err().to_string();
    assert!(error.starts_with("maps: expected sampling maps"), "{error}");
}

#[test]
fn configurations_that_make_no_model_are_refused() {
    type Spoil = dyn Fn(&mut LearnerConfig);
    let message = |spoil: &Spoil| {
        let mut config = config();
        spoil(&mut config);
        Learner::new(&config).map(|_| ()).unwrap_err().to_string()
    };
    let cases: [(&str, &Spoil); 8] = [
        ("model.heads", &|config| config.model.heads = 3),
        ("model.width", &|config| config.model.width = 0),
        ("model.imageSize", &|config| config.model.image_size = 17),
        ("model.dropPathRate", &|config| {
            config.model.drop_path_rate = 1.0
        }),
        ("model.classTokens", &|config| {
            config.model.include_patch = false
        }),
        ("objective.alpha", &|config| {
            config.objective.alpha = f64::NAN
        }),
        ("optimizer.clipGradient", &|config| {
            config.optimizer.clip_gradient = -1.0
        }),
        ("optimizer.lossScale", &|config| {
            config.optimizer.loss_scale = 0.0
        }),
    ];
    for (field, spoil) in cases {
        let message = message(spoil);
        assert!(
            message.starts_with(&format!("{field}: expected ")),
            "{message}"
        );
    }
}

#[test]
fn features_are_rows_of_the_model_width_for_any_image_size() {
    let learner = Learner::new(&config()).unwrap();
    for size in [8, 16, 30] {
        let pixels: Vec<u8> = (0..3 * 3 * size * size).map(|i| (i % 256) as u8).collect();
        let features = learner
            .features(Branch::Teacher, 3, size as i64, &Pixels::Bytes(&pixels))
            .unwrap();
        assert_eq!(features.len(), 3 * 16);
        assert!(features.iter().all(|value| value.is_finite()));
    }
    let error = learner
        .features(Branch::Teacher, 1, 3, &Pixels::Bytes(&[0; 27]))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("size: expected at least one patch"),
        "{error}"
    );
}

#[test]
fn tokens_begin_with_the_class_feature_and_attention_is_shared_out_over_them() {
    let learner = Learner::new(&config()).unwrap();
    let pixels: Vec<u8> = (0..2 * 3 * 16 * 16).map(|i| (i % 251) as u8).collect();
    let images = ImageBatch {
        images: 2,
        height: 16,
        width: 16,
        pixels: Pixels::Bytes(&pixels),
        erasures: &[],
    };
    let features = learner
        .features(Branch::Student, 2, 16, &images.pixels)
        .unwrap();
    let tokens = learner.tokens(Branch::Student, &images).unwrap();
    let width = features.len() / 2;
    let of_image = tokens.len() / 2;
    for image in 0..2 {
        let class = &tokens[image * of_image..image * of_image + width];
        for (token, feature) in class.iter().zip(&features[image * width..]) {
            assert!((token - feature).abs() < 1e-5, "{token} {feature}");
        }
    }
    let maps = learner
        .attention(Branch::Student, &images, Queries::Class)
        .unwrap();
    for row in maps.chunks(of_image / width) {
        let sum: f32 = row.iter().sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
    }
}

/// A batch of four images, of which each has its own number of valid samples.
fn four_images(seed: usize) -> MultiCropBatch {
    let shape = BatchShape { images: 4, ..SHAPE };
    let pixels = |count: usize| -> Vec<u8> {
        (0..count)
            .map(|i| ((i * (i + 7 + 31 * seed)) % 251) as u8)
            .collect()
    };
    let (globals, locals) = (pixels(2 * 4 * 3 * 256), pixels(2 * 4 * 3 * 64));
    let samples = 3;
    let image = |pair: usize| pair % 4;
    let source: Vec<i32> = (0..8 * samples)
        .map(|place| match place % samples < image(place / samples) {
            true => ((place * 5 + seed) % TOKENS as usize) as i32,
            false => -1,
        })
        .collect();
    let target = |pairs: usize| {
        let tokens: Vec<i32> = (0..pairs * samples * 4)
            .map(|i| ((i * 3 + seed) % TOKENS as usize) as i32)
            .collect();
        let weights: Vec<f32> = (0..pairs * samples)
            .flat_map(|place| match place % samples < image(place / samples) {
                true => [0.4, 0.3, 0.2, 0.1],
                false => [0.0; 4],
            })
            .collect();
        (tokens, weights)
    };
    let (global, local) = (target(8), target(16));
    let maps = SamplingMaps {
        global_source: &source,
        global_target: TargetSamples {
            tokens: &global.0,
            weights: &global.1,
        },
        local_target: TargetSamples {
            tokens: &local.0,
            weights: &local.1,
        },
    };
    let (globals, locals) = (Pixels::Bytes(&globals), Pixels::Bytes(&locals));
    MultiCropBatch::new(shape, PATCH, globals, locals, Some(maps)).unwrap()
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_step_in_parts_is_the_step_of_the_whole_batch() {
    let run = |accumulate| {
        let mut config = config();
        config.optimizer.accumulate = accumulate;
        // Updates by AdamW amplify the rounding of gradients near 0.
        config.optimizer.kind = OptimizerKind::Sgd;
        let mut learner = Learner::new(&config).unwrap();
        let reports: Vec<StepReport> = (0..4)
            .map(|seed| learner.step(&four_images(seed), &AT).unwrap())
            .collect();
        (learner, reports)
    };
    let (whole, expected) = run(1);
    for accumulate in [2, 4] {
        let (parts, received) = run(accumulate);
        for (received, expected) in received.iter().zip(&expected) {
            let pairs = received.terms.iter().zip(&expected.terms);
            for ((name, received), (_, expected)) in pairs {
                assert!(
                    (received - expected).abs() < 1e-5,
                    "{name}: {received} {expected}"
                );
            }
            let norms = received.gradient_norms.iter().zip(&expected.gradient_norms);
            for (received, expected) in norms {
                assert!((received - expected).abs() < 1e-5 * expected.max(1.0));
            }
        }
        for branch in [Branch::Student, Branch::Teacher] {
            let far = distance(&all_weights(&parts, branch), &all_weights(&whole, branch));
            assert!(far < 1e-6, "{branch:?} {far}");
        }
        let far = distance(&parts.centers().unwrap(), &whole.centers().unwrap());
        assert!(far < 1e-6, "centres {far}");
    }
}

#[test]
fn a_batch_that_cannot_be_cut_into_equal_parts_is_refused_and_changes_nothing() {
    let mut config = config();
    config.optimizer.accumulate = 3;
    let mut learner = Learner::new(&config).unwrap();
    let before = all_weights(&learner, Branch::Teacher);
    let error = learner.step(&four_images(1), &AT).unwrap_err().to_string();
    assert_eq!(
        error,
        "images: expected a multiple of optimizer.accumulate 3, received 4"
    );
    assert_eq!(all_weights(&learner, Branch::Teacher), before);
    assert_eq!(learner.steps(), 0);
}

#[test]
fn a_step_that_fails_leaves_the_statistics_of_batch_norm_as_they_were() {
    let mut config = config();
    config.model.head.batch_norm = true;
    let mut learner = Learner::new(&config).unwrap();
    learner.step(&batch(1, Valid::All), &AT).unwrap();
    let before = [Branch::Student, Branch::Teacher].map(|branch| all_weights(&learner, branch));
    let arrays = Arrays::new(1, Valid::All);
    let globals = vec![f32::NAN; arrays.globals.len()];
    let views = (Pixels::Floats(&globals), Pixels::Bytes(&arrays.locals));
    let poisoned =
        MultiCropBatch::new(SHAPE, PATCH, views.0, views.1, Some(arrays.maps())).unwrap();
    learner.step(&poisoned, &AT).unwrap_err();
    let after = [Branch::Student, Branch::Teacher].map(|branch| all_weights(&learner, branch));
    assert_eq!(before, after);
}

#[test]
fn blocks_that_are_computed_again_give_the_same_numbers() {
    let run = |checkpoint_blocks, precision| {
        let mut config = LearnerConfig {
            precision,
            ..config()
        };
        config.model.depth = 3;
        config.model.checkpoint_blocks = checkpoint_blocks;
        let mut learner = Learner::new(&config).unwrap();
        let reports: Vec<StepReport> = (0..3)
            .map(|seed| learner.step(&four_images(seed), &AT).unwrap())
            .collect();
        (reports, all_weights(&learner, Branch::Student))
    };
    for precision in [Precision::Fp32, Precision::Bf16] {
        let (again, once) = (run(true, precision), run(false, precision));
        match device::device() {
            Device::Cpu => assert_eq!(again, once, "{precision:?}"),
            // Its sums may have another order each time.
            _ => {
                let losses = again.0.iter().zip(&once.0);
                let off = losses.map(|(again, once)| (again.loss / once.loss - 1.0).abs());
                assert!(off.fold(0.0, f64::max) < 1e-5, "{precision:?}");
            }
        }
    }
}
