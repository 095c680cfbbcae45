//! The fused loss against its plain form: autograd over dense logits, at random shapes.

use proptest::prelude::*;
use tch::{Device, Kind, Tensor, no_grad};

use super::{
    Centers, PrototypeLoss, Targets, Whole,
    targets::PlusTargets,
    terms::{Level, Term, level_losses, levels},
};
use crate::network::{Prediction, StudentRows};

const STUDENT_TEMPERATURE: f64 = 0.1;
const TEACHER_TEMPERATURE: f64 = 0.05;

#[derive(Debug, Clone)]
struct Shape {
    images: i64,
    crops: i64,
    patches: i64,
    prototypes: i64,
    width: i64,
}

fn shapes() -> impl Strategy<Value = Shape> {
    (1..5i64, 0..4i64, 0..9i64, 2..40i64, 2..9i64).prop_map(
        |(images, crops, patches, prototypes, width)| Shape {
            images,
            crops,
            patches,
            prototypes,
            width,
        },
    )
}

struct Problem {
    prediction: Prediction,
    targets: Targets,
    centers: Centers,
    student: Tensor,
    teacher: Tensor,
}

fn random(shape: &[i64]) -> Tensor {
    Tensor::randn(shape, (Kind::Float, Device::Cpu))
}

fn units(shape: &[i64]) -> Tensor {
    let vectors = random(shape);
    &vectors / vectors.norm_scalaropt_dim(2, [-1].as_slice(), true)
}

impl Problem {
    fn new(shape: &Shape, seed: i64) -> Self {
        tch::manual_seed(seed);
        let Shape {
            images,
            crops,
            patches,
            prototypes,
            width,
        } = *shape;
        let rows = StudentRows {
            images,
            crops,
            class_tokens: 2,
        };
        let mut centers = Centers::zeros(levels(2, true), prototypes, Device::Cpu);
        let means: Vec<_> = centers
            .levels()
            .iter()
            .map(|&level| (level, Some(units(&[width]))))
            .collect();
        centers
            .follow(&means, &random(&[prototypes, width]), 0.5)
            .unwrap();
        Self {
            prediction: Prediction {
                vectors: units(&[rows.patches() + patches, width]).set_requires_grad(true),
                rows,
            },
            targets: Targets {
                class: units(&[2, images, width]),
                plus: Some(PlusTargets {
                    globals: units(&[2, images, width]),
                    locals: units(&[2, crops * images, width]),
                }),
                patches: Some(units(&[patches, width])),
                means: Vec::new(),
            },
            centers,
            student: units(&[prototypes, width]).set_requires_grad(true),
            teacher: units(&[prototypes, width]),
        }
    }

    /// The prediction is that of a whole batch.
    fn whole(&self) -> Whole {
        let patches = self.targets.patches.as_ref();
        Whole {
            images: self.prediction.rows.images,
            patches: patches.map_or(0, |vectors| vectors.size()[0]),
        }
    }

    fn fused(&self, kind: Kind) -> (f64, Tensor, Tensor) {
        self.fused_in_chunks(kind, 1 << 20)
    }

    fn fused_in_chunks(&self, kind: Kind, chunk_bytes: i64) -> (f64, Tensor, Tensor) {
        let loss = PrototypeLoss {
            student_temperature: STUDENT_TEMPERATURE,
            teacher_temperature: TEACHER_TEMPERATURE,
            kind,
            loss_scale: 1.0,
            chunk_bytes,
            whole: self.whole(),
        };
        let loss = no_grad(|| {
            loss.backward(
                &self.prediction,
                &self.targets,
                &self.centers,
                &self.student,
                &self.teacher,
            )
        })
        .unwrap();
        let terms: Vec<_> = loss
            .terms
            .iter()
            .map(|(term, value)| (*term, value.double_value(&[])))
            .collect();
        let levels = level_losses(self.centers.levels(), &terms, self.prediction.rows.crops);
        let total = levels.iter().map(|(_, loss)| loss).sum::<f64>() / levels.len() as f64;
        (total, loss.vectors, loss.matrix)
    }

    /// The loss as method.md section 5 writes it down, over whole logits, row by row, in double precision.
    fn plain(&self) -> (f64, Tensor, Tensor) {
        let rows = self.prediction.rows;
        let (images, crops) = (rows.images, rows.crops);
        let double = |tensor: &Tensor| tensor.to_kind(Kind::Double);
        let student = double(&self.student).tr();
        let log = (double(&self.prediction.vectors).matmul(&student) / STUDENT_TEMPERATURE)
            .log_softmax(-1, Kind::Double);
        let target = |vectors: &Tensor, level| {
            let logits = double(vectors).matmul(&double(&self.teacher).tr());
            let logits = logits - double(&self.centers.of(level));
            (logits / TEACHER_TEMPERATURE).softmax(-1, Kind::Double)
        };
        let entropy = |first: i64, count: i64, target: &Tensor| {
            -(log.narrow(0, first, count) * target)
                .sum_dim_intlist(-1, false, Kind::Double)
                .mean(Kind::Double)
        };
        let plus = self.targets.plus.as_ref().unwrap();
        let mut total = Tensor::zeros([], (Kind::Double, Device::Cpu));
        let class_levels = [
            (0, Level::Cls, &self.targets.class, None),
            (1, Level::ClsPlus, &plus.globals, Some(&plus.locals)),
        ];
        for (token, level, globals, locals) in class_levels {
            let globals = target(globals, level);
            let global = entropy(rows.globals(token), 2 * images, &globals.flatten(0, 1));
            if crops == 0 {
                total += global / 3.0;
                continue;
            }
            let locals = match locals {
                Some(locals) => target(locals, level),
                None => globals.repeat([1, crops, 1]),
            };
            let views =
                [0, 1].map(|view| entropy(rows.locals(token), crops * images, &locals.get(view)));
            let local = (&views[0] + &views[1]) / 2.0;
            total += (global * 2.0 + local * (2 * crops) as f64) / ((2 + 2 * crops) as f64 * 3.0);
        }
        let valid = self.whole().patches;
        if valid > 0 {
            let patches = target(self.targets.patches.as_ref().unwrap(), Level::Patch);
            total += entropy(rows.patches(), valid, &patches) / 3.0;
        }
        let value = total.double_value(&[]);
        let mut gradients = Tensor::run_backward(
            &[total],
            &[&self.prediction.vectors, &self.student],
            false,
            false,
        )
        .into_iter();
        (value, gradients.next().unwrap(), gradients.next().unwrap())
    }
}

/// Largest difference, as a share of the largest value or of 1 where that is larger: a gradient is a difference of shares,
/// each right to rounding, however small it is.
fn distance(a: &Tensor, b: &Tensor) -> f64 {
    let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
    largest(&(a - b)) / largest(b).max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn loss_and_gradients_are_those_of_the_plain_form(shape in shapes(), seed in 0..1000i64) {
        let problem = Problem::new(&shape, seed);
        let (fused, plain) = (problem.fused(Kind::Float), problem.plain());
        prop_assert!((fused.0 - plain.0).abs() < 1e-5 * plain.0.max(1.0), "{} {}", fused.0, plain.0);
        prop_assert!(distance(&fused.1, &plain.1) < 1e-5);
        prop_assert!(distance(&fused.2, &plain.2) < 1e-5);
    }

    // Operands and logits are rounded to 8 bits, each time by at most 2^-9 of a logit of at most 10: off by at most 0.06, and a
    // cross-entropy, a difference of two logits, by twice that; the targets move too.
    #[test]
    fn half_precision_stays_near(shape in shapes(), seed in 0..1000i64) {
        let problem = Problem::new(&shape, seed);
        let exact = problem.fused(Kind::Float);
        for kind in [Kind::BFloat16, Kind::Half] {
            let half = problem.fused(kind);
            prop_assert!((half.0 - exact.0).abs() < 0.2, "{kind:?} {} {}", half.0, exact.0);
            prop_assert!(distance(&half.1, &exact.1) < 0.2);
            prop_assert!(distance(&half.2, &exact.2) < 0.2);
        }
    }
}

#[test]
fn a_step_cut_into_chunks_of_any_size_is_the_same_step() {
    let shape = Shape {
        images: 5,
        crops: 3,
        patches: 17,
        prototypes: 50,
        width: 4,
    };
    let problem = Problem::new(&shape, 1);
    let plain = problem.plain();
    for rows in [0, 1, 2, 7, 20, 33, 1000] {
        let fused = problem.fused_in_chunks(Kind::Float, rows * 50 * 4);
        assert!((fused.0 - plain.0).abs() < 1e-5 * plain.0, "{rows} rows");
        assert!(distance(&fused.1, &plain.1) < 1e-5, "{rows} rows");
        assert!(distance(&fused.2, &plain.2) < 1e-5, "{rows} rows");
    }
}

#[test]
fn a_batch_without_a_valid_sample_has_a_patch_term_of_zero() {
    let shape = Shape {
        images: 2,
        crops: 1,
        patches: 0,
        prototypes: 5,
        width: 3,
    };
    let problem = Problem::new(&shape, 1);
    let loss = PrototypeLoss {
        student_temperature: STUDENT_TEMPERATURE,
        teacher_temperature: TEACHER_TEMPERATURE,
        kind: Kind::Float,
        loss_scale: 1.0,
        chunk_bytes: 1 << 20,
        whole: problem.whole(),
    };
    let loss = no_grad(|| {
        loss.backward(
            &problem.prediction,
            &problem.targets,
            &problem.centers,
            &problem.student,
            &problem.teacher,
        )
    })
    .unwrap();
    let patch = loss
        .terms
        .iter()
        .find(|(term, _)| *term == Term::GlobalPatch)
        .unwrap();
    assert_eq!(patch.1.double_value(&[]), 0.0);
}

#[test]
fn a_level_without_a_mean_keeps_its_centre() {
    let mut centers = Centers::zeros(levels(2, true), 4, Device::Cpu);
    let mean = || Some(units(&[3]));
    let matrix = units(&[4, 3]);
    centers
        .follow(
            &[(Level::Cls, mean()), (Level::Patch, mean())],
            &matrix,
            0.9,
        )
        .unwrap();
    let before = centers.of(Level::Patch).copy();
    centers
        .follow(&[(Level::Cls, mean()), (Level::Patch, None)], &matrix, 0.9)
        .unwrap();
    assert_eq!(centers.of(Level::Patch), before);
    assert!(before.abs().max().double_value(&[]) > 0.0);
    assert_eq!(
        centers.of(Level::ClsPlus).abs().max().double_value(&[]),
        0.0
    );
}
