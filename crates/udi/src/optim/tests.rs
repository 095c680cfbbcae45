//! Both fused forms of AdamW, with the teacher that follows, against the plain form at random shapes.

use proptest::prelude::*;
use tch::{Device, Kind, Tensor, no_grad};

use super::{
    Follower, JudgedGradients, Optimizer, Pace, ScaledGradients, Slot, Veto, adamw, factors, norms,
};
use crate::{
    config::OptimizerKind,
    parameters::{Declaration, Declarations, Initial, Parameters, Role},
};

const LIMIT: f64 = 0.7;
const SHARE: f64 = 0.3;
const PACE: Pace = Pace {
    learning_rate: 0.01,
    weight_decay: 0.2,
};

/// A parameter: its shape, and in which of three steps it has a gradient.
#[derive(Debug, Clone)]
struct Kept {
    shape: Vec<i64>,
    learns: [bool; 3],
}

fn parameters() -> impl Strategy<Value = Vec<Kept>> {
    let shape = prop::collection::vec(1..40i64, 1..4);
    let kept = (shape, any::<[bool; 3]>()).prop_map(|(shape, learns)| Kept { shape, learns });
    prop::collection::vec(kept, 1..8)
}

fn declared(parameters: &[Kept]) -> Vec<Declaration> {
    let mut declarations = Declarations::default();
    for (index, kept) in parameters.iter().enumerate() {
        let (name, initial) = (format!("p{index}"), Initial::TruncatedNormal(0.5));
        declarations.add(&name, &kept.shape, initial, Role::Product);
    }
    declarations.add("buffer", &[3], Initial::Constant(1.0), Role::Buffer);
    declarations.into_vec()
}

/// Student, teacher and optimiser.
struct Pair {
    declarations: Vec<Declaration>,
    student: Parameters,
    teacher: Parameters,
    optimizer: Optimizer,
}

fn follower<'a>(teacher: &'a mut Parameters, declarations: &'a [Declaration]) -> Follower<'a> {
    Follower {
        teacher,
        declarations,
        share: SHARE,
    }
}

impl Pair {
    fn new(parameters: &[Kept]) -> Self {
        let declarations = declared(parameters);
        let initial = |seed| Parameters::initial(&declarations, seed, Device::Cpu);
        let student = initial(1);
        Self {
            optimizer: Optimizer::new(OptimizerKind::AdamW, &declarations, &student, &[]),
            teacher: initial(2),
            student,
            declarations,
        }
    }

    fn step_fused(&mut self, gradients: ScaledGradients) {
        let follower = follower(&mut self.teacher, &self.declarations);
        let student = &mut self.student;
        self.optimizer
            .update(student, follower, gradients, PACE)
            .unwrap();
    }

    /// What devices other than the CPU do.
    fn step_tensors(&mut self, mut gradients: ScaledGradients) {
        let slots = self.optimizer.slots_mut();
        super::clip::clip(&mut gradients).unwrap();
        let gradients = &gradients.tensors;
        no_grad(|| adamw::update_tensors(slots, &self.student, gradients, PACE, None)).unwrap();
        let student = self.student.deep_copy();
        no_grad(|| follower(&mut self.teacher, &self.declarations).follow(&student)).unwrap();
    }

    /// The same where the device alone knows the factors, and whether the student may change.
    fn step_judged(&mut self, gradients: ScaledGradients, forbidden: [bool; 2]) {
        let [everything, student] = forbidden.map(Tensor::from);
        let factor = |&factor: &f64| Some(Tensor::from(factor as f32));
        let gradients = JudgedGradients {
            tensors: gradients.tensors,
            factors: gradients.factors.iter().map(factor).collect(),
            veto: &Veto {
                everything,
                student,
            },
        };
        let follower = follower(&mut self.teacher, &self.declarations);
        let student = &mut self.student;
        self.optimizer
            .update_judged(student, follower, gradients, PACE)
            .unwrap();
    }

    fn step_plain(&mut self, gradients: &ScaledGradients) {
        let each = self
            .student
            .tensors_mut()
            .iter_mut()
            .zip(&gradients.tensors);
        let each = each.zip(&gradients.factors).zip(self.optimizer.slots_mut());
        for (((parameter, gradient), &factor), slot) in each {
            let (Some(gradient), Some(slot)) = (gradient, slot) else {
                continue;
            };
            slot.steps += 1;
            let Slot {
                first,
                second,
                steps,
            } = slot;
            let second = second.as_mut().unwrap();
            let gradient = gradient.to_kind(Kind::Double) * factor;
            let pace = PACE.of(parameter);
            let moments = (&*first, &*second);
            let [new, m, v] = adamw::update_plain(parameter, moments, &gradient, *steps, pace);
            parameter.copy_(&new);
            first.copy_(&m);
            second.copy_(&v);
        }
        let students = self.student.tensors().iter().zip(&self.declarations);
        for (teacher, (student, declaration)) in self.teacher.tensors_mut().iter_mut().zip(students)
        {
            if declaration.role != Role::Buffer {
                let _ = teacher.lerp_(student, SHARE);
            }
        }
    }

    /// All values: student, teacher, moments.
    fn values(&self) -> Vec<Tensor> {
        let networks = self.student.tensors().iter().chain(self.teacher.tensors());
        let slots = self.optimizer.slots().iter().flatten();
        let moments = slots.flat_map(|slot| std::iter::once(&slot.first).chain(&slot.second));
        networks.chain(moments).map(Tensor::copy).collect()
    }

    fn counts(&self) -> Vec<i64> {
        let slots = self.optimizer.slots().iter().flatten();
        slots.map(|slot| slot.steps).collect()
    }
}

/// ScaledGradients of one step of a loss that was scaled, some long and some short; none for what does not learn in it.
fn gradients(parameters: &[Kept], step: usize, loss_scale: f64) -> ScaledGradients {
    let gradient = |kept: &Kept| {
        let random = Tensor::randn(kept.shape.as_slice(), (Kind::Float, Device::Cpu));
        kept.learns[step].then(|| random * (0.2 * loss_scale))
    };
    let mut tensors: Vec<Option<Tensor>> = parameters.iter().map(gradient).collect();
    tensors.push(None);
    let present = norms(&tensors, Device::Cpu).unwrap().to_kind(Kind::Double);
    let mut present = Vec::<f64>::try_from(present).unwrap().into_iter();
    let length = |tensor: &Option<Tensor>| match tensor {
        Some(_) => present.next().unwrap() / loss_scale,
        None => 0.0,
    };
    let lengths: Vec<f64> = tensors.iter().map(length).collect();
    ScaledGradients {
        factors: factors(&lengths, LIMIT, loss_scale),
        tensors,
    }
}

fn copy(gradients: &ScaledGradients) -> ScaledGradients {
    let tensors = gradients.tensors.iter();
    ScaledGradients {
        tensors: tensors
            .map(|tensor| tensor.as_ref().map(Tensor::copy))
            .collect(),
        factors: gradients.factors.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn all_forms_of_adamw_make_the_same_updates(parameters in parameters(), scaled in any::<bool>()) {
        let loss_scale = if scaled { 1024.0 } else { 1.0 };
        let [mut fused, mut tensors, mut judged, mut plain] = [(); 4].map(|()| Pair::new(&parameters));
        for step in 0..3 {
            let gradients = gradients(&parameters, step, loss_scale);
            plain.step_plain(&gradients);
            tensors.step_tensors(copy(&gradients));
            judged.step_judged(copy(&gradients), [false, false]);
            fused.step_fused(gradients);
        }
        prop_assert_eq!(fused.counts(), plain.counts());
        prop_assert_eq!(tensors.counts(), plain.counts());
        prop_assert_eq!(judged.counts(), plain.counts());
        for other in [&fused, &tensors, &judged] {
            for (received, expected) in other.values().iter().zip(plain.values()) {
                let distance = (received - expected).abs().max().double_value(&[]);
                prop_assert!(distance < 2e-6, "{distance}");
            }
        }
    }
}

#[test]
fn what_the_device_forbids_keeps_every_bit() {
    let kept = Kept {
        shape: vec![4, 5],
        learns: [true; 3],
    };
    for kind in [
        OptimizerKind::AdamW,
        OptimizerKind::Sgd,
        OptimizerKind::Lars,
    ] {
        let mut pair = Pair::new(std::slice::from_ref(&kept));
        let (declarations, student) = (&pair.declarations, &pair.student);
        pair.optimizer = Optimizer::new(kind, declarations, student, &[]);
        pair.step_judged(gradients(std::slice::from_ref(&kept), 0, 1.0), [false; 2]);
        let before = pair.values();
        let lost = || {
            let mut gradients = gradients(std::slice::from_ref(&kept), 1, 1.0);
            gradients.factors[0] = f64::NAN;
            gradients
        };
        pair.step_judged(lost(), [true, true]);
        assert_eq!(pair.values(), before, "{kind:?}");
        pair.step_judged(lost(), [false, true]);
        let after = pair.values();
        assert_ne!(after[2], before[2], "the teacher follows, {kind:?}");
        let student = |values: &[Tensor]| [0, 1, 4].map(|place| values[place].copy());
        assert_eq!(student(&after), student(&before), "{kind:?}");
    }
}

#[test]
fn what_has_no_gradient_keeps_its_value_and_the_teacher_still_follows_it() {
    let kept = Kept {
        shape: vec![4, 5],
        learns: [false; 3],
    };
    let mut pair = Pair::new(std::slice::from_ref(&kept));
    let before = pair.values();
    pair.step_fused(gradients(&[kept], 0, 1.0));
    let after = pair.values();
    assert_eq!(after[0], before[0], "student");
    assert_eq!(after[2], before[2].lerp(&before[0], SHARE), "teacher");
    assert_eq!(after[3], before[3], "the teacher's buffer");
    assert_eq!(pair.counts(), [0]);
}

#[test]
fn a_learning_rate_of_zero_moves_moments_alone() {
    let kept = Kept {
        shape: vec![7],
        learns: [true; 3],
    };
    let mut pair = Pair::new(std::slice::from_ref(&kept));
    let before = pair.values();
    let gradients = gradients(&[kept], 0, 1.0);
    let follower = Follower {
        teacher: &mut pair.teacher,
        declarations: &pair.declarations,
        share: 0.0,
    };
    let pace = Pace {
        learning_rate: 0.0,
        ..PACE
    };
    let student = &mut pair.student;
    pair.optimizer
        .update(student, follower, gradients, pace)
        .unwrap();
    let after = pair.values();
    assert_eq!(after[..4], before[..4]);
    assert_ne!(after[4], before[4]);
}
