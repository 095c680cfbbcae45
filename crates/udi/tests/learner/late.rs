//! Steps that are begun before those in front of them are read: the same as steps one after the other.

use std::collections::VecDeque;

use proptest::prelude::*;
use udi::{BegunStep, Reading};

use super::*;

/// A step to be made: the batch's seed and samples, whether its views hold NaN, and whether prototypes are frozen.
#[derive(Debug, Clone, Copy)]
struct Planned {
    seed: usize,
    valid: Valid,
    poisoned: bool,
    frozen: bool,
}

impl Planned {
    fn good(seed: usize) -> Self {
        Self {
            seed,
            valid: Valid::All,
            poisoned: false,
            frozen: false,
        }
    }

    fn poisoned(seed: usize) -> Self {
        Self {
            poisoned: true,
            ..Self::good(seed)
        }
    }

    fn batch(self) -> MultiCropBatch {
        let arrays = Arrays::new(self.seed, self.valid);
        if !self.poisoned {
            return arrays.batch().unwrap();
        }
        let globals = vec![f32::NAN; arrays.globals.len()];
        let views = (Pixels::Floats(&globals), Pixels::Bytes(&arrays.locals));
        MultiCropBatch::new(SHAPE, PATCH, views.0, views.1, Some(arrays.maps())).unwrap()
    }

    fn at(self) -> ScheduleValues {
        ScheduleValues {
            freeze_last_layer: self.frozen,
            ..AT
        }
    }
}

/// What became of each step, and the learner after them.
struct Run {
    learner: Learner,
    /// The report, or the error's words.
    outcomes: Vec<Result<StepReport, String>>,
}

impl Run {
    /// One step after the other.
    fn in_turn(config: &LearnerConfig, reading: Reading, steps: &[Planned]) -> Self {
        let mut learner = learner(config, reading);
        let mut step = |planned: &Planned| {
            let outcome = learner.step(&planned.batch(), &planned.at());
            outcome.map_err(|error| error.to_string())
        };
        let outcomes = steps.iter().map(&mut step).collect();
        Self { learner, outcomes }
    }

    /// With up to `ahead` steps begun behind one that is not finished.
    fn overlapped(config: &LearnerConfig, ahead: usize, steps: &[Planned]) -> Self {
        let mut learner = learner(config, Reading::Late);
        let mut begun = VecDeque::<BegunStep>::new();
        let mut outcomes = Vec::new();
        let mut finish = |learner: &mut Learner, step: BegunStep| {
            let outcome = learner.finish(step);
            outcomes.push(outcome.map_err(|error| error.to_string()));
        };
        for planned in steps {
            while learner.has_repeats() {
                finish(&mut learner, begun.pop_front().unwrap());
            }
            begun.push_back(learner.begin(planned.batch(), planned.at()).unwrap());
            while begun.len() > ahead {
                finish(&mut learner, begun.pop_front().unwrap());
            }
        }
        for step in begun {
            finish(&mut learner, step);
        }
        Self { learner, outcomes }
    }

    fn state(&self, name: &str) -> Vec<u8> {
        state(&self.learner, name)
    }
}

fn learner(config: &LearnerConfig, reading: Reading) -> Learner {
    let mut learner = Learner::new(config).unwrap();
    learner.set_reading(reading);
    learner
}

fn state(learner: &Learner, name: &str) -> Vec<u8> {
    let file = Scratch::new(name);
    learner.save(&file.0).unwrap();
    fs::read(&file.0).unwrap()
}

/// Numbers of two reports, of which one may have gone through roundings in another order.
fn assert_near(received: &StepReport, expected: &StepReport, bound: f64) {
    let numbers = |report: &StepReport| {
        let named = report.terms.iter().chain(&report.levels);
        let named = named.map(|(_, value)| *value);
        let norms = report.gradient_norms.iter().copied();
        named.chain(norms).collect::<Vec<f64>>()
    };
    assert_eq!(
        (received.step, received.skipped, received.loss_scale),
        (expected.step, expected.skipped, expected.loss_scale)
    );
    for (received, expected) in numbers(received).into_iter().zip(numbers(expected)) {
        let both_overflowed = !received.is_finite() && !expected.is_finite();
        let near = (received - expected).abs() <= bound * expected.abs().max(1.0);
        assert!(both_overflowed || near, "{received} {expected}");
    }
}

fn configurations() -> impl Strategy<Value = LearnerConfig> {
    let kinds = [
        OptimizerKind::AdamW,
        OptimizerKind::Sgd,
        OptimizerKind::Lars,
    ];
    let precisions = [Precision::Fp32, Precision::Bf16, Precision::Fp16];
    let choices = (
        prop::sample::select(kinds.to_vec()),
        prop::sample::select(precisions.to_vec()),
        prop::sample::select(vec![0.0, 0.05, 3.0]),
        1..=2i64,
        any::<[bool; 2]>(),
    );
    choices.prop_map(
        |(kind, precision, clip_gradient, accumulate, [batch_norm, norm_last_layer])| {
            let mut config = LearnerConfig {
                precision,
                ..config()
            };
            config.optimizer.kind = kind;
            config.optimizer.clip_gradient = clip_gradient;
            config.optimizer.accumulate = accumulate;
            config.model.head.batch_norm = batch_norm;
            config.model.head.norm_last_layer = norm_last_layer;
            config
        },
    )
}

fn plans() -> impl Strategy<Value = Vec<Planned>> {
    let valid = prop::sample::select(vec![Valid::All, Valid::None, Valid::FirstImage]);
    let planned = (0..20usize, valid, prop::bool::weighted(0.25), any::<bool>());
    let planned = planned.prop_map(|(seed, valid, poisoned, frozen)| Planned {
        seed,
        valid,
        poisoned,
        frozen,
    });
    prop::collection::vec(planned, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn overlapped_steps_are_those_made_in_turn_bit_for_bit(
        config in configurations(),
        steps in plans(),
        ahead in 1..4usize,
    ) {
        let expected = Run::in_turn(&config, Reading::Late, &steps);
        let received = Run::overlapped(&config, ahead, &steps);
        prop_assert_eq!(format!("{:?}", received.outcomes), format!("{:?}", expected.outcomes));
        prop_assert!(received.state("overlapped") == expected.state("in-turn"), "states differ");
    }

    #[test]
    fn what_the_device_decides_is_what_the_host_decides(
        mut config in configurations(),
        steps in plans(),
    ) {
        // Both forms make the same updates but for rounding, which AdamW's first steps amplify where a gradient is near 0.
        if config.optimizer.kind == OptimizerKind::AdamW {
            config.optimizer.kind = OptimizerKind::Sgd;
        }
        let expected = Run::in_turn(&config, Reading::AtOnce, &steps);
        let received = Run::in_turn(&config, Reading::Late, &steps);
        let bound = if config.precision == Precision::Fp32 { 1e-4 } else { 2e-2 };
        for pair in received.outcomes.iter().zip(&expected.outcomes) {
            match pair {
                (Ok(received), Ok(expected)) => assert_near(received, expected, bound),
                (received, expected) => prop_assert_eq!(received, expected),
            }
        }
        for branch in [Branch::Student, Branch::Teacher] {
            let networks = [&received, &expected].map(|run| all_weights(&run.learner, branch));
            prop_assert!(distance(&networks[0], &networks[1]) < bound as f32);
        }
        let centers = [&received, &expected].map(|run| run.learner.centers().unwrap());
        prop_assert!(distance(&centers[0], &centers[1]) < bound as f32);
    }
}

#[test]
fn the_numbers_of_a_first_step_are_the_same_bits_whoever_decides() {
    for precision in [Precision::Fp32, Precision::Bf16, Precision::Fp16] {
        let config = LearnerConfig {
            precision,
            ..config()
        };
        let reports = [Reading::AtOnce, Reading::Late].map(|reading| {
            let mut run = Run::in_turn(&config, reading, &[Planned::good(1)]);
            run.outcomes.remove(0).unwrap()
        });
        assert_eq!(format!("{:?}", reports[0]), format!("{:?}", reports[1]));
    }
}

#[test]
fn adamw_near_the_hosts_decides_on_the_device() {
    let steps: Vec<Planned> = (0..4).map(Planned::good).collect();
    let runs = [Reading::AtOnce, Reading::Late].map(|how| Run::in_turn(&config(), how, &steps));
    for (received, expected) in runs[1].outcomes.iter().zip(&runs[0].outcomes) {
        assert_near(received.as_ref().unwrap(), expected.as_ref().unwrap(), 1e-3);
    }
}

#[test]
fn steps_whose_losses_are_not_finite_change_no_byte_of_the_state() {
    for kind in [
        OptimizerKind::AdamW,
        OptimizerKind::Sgd,
        OptimizerKind::Lars,
    ] {
        let mut config = config();
        config.optimizer.kind = kind;
        config.model.head.batch_norm = true;
        let mut learner = learner(&config, Reading::Late);
        learner.step(&batch(0, Valid::All), &AT).unwrap();
        let before = state(&learner, "before");
        let planned = [Planned::poisoned(1), Planned::poisoned(2)];
        let begun = planned.map(|step| learner.begin(step.batch(), step.at()).unwrap());
        for step in begun {
            let error = learner.finish(step).unwrap_err();
            let is_second = matches!(
                error,
                UdiError::NonFinite {
                    step: 2,
                    term: "globalCls",
                    ..
                }
            );
            assert!(is_second, "{error}");
        }
        assert!(state(&learner, "after") == before, "{kind:?}");
    }
}

#[test]
fn a_step_behind_one_that_overflows_is_made_with_the_smaller_scale() {
    let config = LearnerConfig {
        precision: Precision::Fp16,
        ..config()
    };
    let steps: Vec<Planned> = (0..16).map(Planned::good).collect();
    let run = Run::overlapped(&config, 1, &steps);
    let reports: Vec<StepReport> = run.outcomes.into_iter().map(Result::unwrap).collect();
    let skipped = reports.iter().take_while(|report| report.skipped).count();
    assert!((1..16).contains(&skipped), "{skipped}");
    for (index, report) in reports.iter().enumerate() {
        let halvings = index.min(skipped) as i32;
        assert_eq!(report.step, index as i64 + 1);
        assert_eq!(report.loss_scale, 65536.0 / f64::powi(2.0, halvings));
    }
}

#[test]
fn what_needs_a_settled_state_is_refused_while_a_step_is_not_finished() {
    let mut learner = learner(&config(), Reading::Late);
    let first = learner.begin(Planned::good(0).batch(), AT).unwrap();
    let second = learner.begin(Planned::good(1).batch(), AT).unwrap();
    let file = Scratch::new("unfinished");
    let refused = learner.save(&file.0).map(|_| ()).unwrap_err().to_string();
    let expected = "learner: expected no step that was begun and is not finished, received 2";
    assert_eq!(refused, expected);
    assert!(learner.step(&batch(2, Valid::All), &AT).is_err());
    let swapped = learner.finish(second).unwrap_err().to_string();
    let expected = "step: expected the oldest that was begun, number 1, received 2";
    assert_eq!(swapped, expected);
    assert_eq!(learner.finish(first).unwrap().step, 1);
}
