//! The step: student, teacher, objective, optimiser.

use std::{collections::HashMap, path::Path};

use tch::{Device, Tensor, no_grad};
use weight_file::Written;

use crate::{
    adoption::{Adopted, GivenWeights, adopt},
    backward::{Backward, BackwardPass},
    batch::{MultiCropBatch, Pixels, normalised, views_tensor},
    config::{LearnerConfig, ScheduleValues},
    error::{UdiError, expect},
    frozen::{FrozenBackbone, ImageBatch, Queries},
    guard::guard,
    late::{BegunStep, Made, Reading, Unfinished},
    matrix_peak::matrix_peak,
    measured::{Measured, Numbers},
    network::Network,
    objective::{Centers, Level, Term, level_losses, levels},
    optim::{
        Follower, JudgedGradients, LossScale, Optimizer, Pace, ScaledGradients, Veto, factors,
        take_back, unless,
    },
    parameters::{Parameters, Role, Weights},
    state::{self, Snapshot},
    stopwatch::{Phase, Stopwatch},
};

/// Which of the two networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// The one that is trained.
    Student,
    /// Its moving average: the one to use.
    Teacher,
}

/// What one step measured.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    /// Number of the step just made, counted from 1.
    pub step: i64,
    /// Mean of the levels' losses.
    pub loss: f64,
    /// Loss of each level present.
    pub levels: Vec<(&'static str, f64)>,
    /// Cross-entropy terms present.
    pub terms: Vec<(&'static str, f64)>,
    /// L2 norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// L2 norm of each parameter's gradient before clipping, in the order of [`Learner::parameter_names`].
    pub gradient_norms: Vec<f64>,
    /// The gradients overflowed (fp16), so that the student was left as it was.
    pub skipped: bool,
    /// Loss scale of this step.
    pub loss_scale: f64,
    /// Seconds by phase; empty unless the learner profiles.
    pub phases: Vec<(&'static str, f64)>,
}

/// A student, its teacher and all that training them needs. Belongs to one thread.
#[derive(Debug)]
pub struct Learner {
    pub(crate) config: LearnerConfig,
    pub(crate) network: Network,
    pub(crate) student: Parameters,
    pub(crate) teacher: Parameters,
    pub(crate) centers: Centers,
    pub(crate) optimizer: Optimizer,
    pub(crate) loss_scale: LossScale,
    pub(crate) steps: i64,
    pub(crate) unfinished: Unfinished,
    profiles: bool,
}

/// Who decides what a step changes.
enum Verdict {
    /// The host, which has read the step's numbers.
    Read(Numbers),
    /// The device, while the host goes on.
    Left(Veto),
}

impl Learner {
    /// A learner whose student and teacher are the same fresh network.
    pub fn new(config: &LearnerConfig) -> Result<Self, UdiError> {
        config.check()?;
        // Of this thread, to which the learner belongs: a sharp target holds thousands of denormals.
        torch_ext::flush_denormals();
        guard(|| {
            let network = Network::new(&config.model);
            let declarations = network.declarations();
            let student = Parameters::initial(declarations, config.seed, config.device);
            let frozen = network.prototypes().untrained();
            let levels = levels(config.model.class_tokens, config.model.include_patch);
            let prototypes = config.model.head.prototypes;
            Ok(Self {
                teacher: student.deep_copy(),
                centers: Centers::zeros(levels, prototypes, config.device),
                optimizer: Optimizer::new(config.optimizer.kind, declarations, &student, &frozen),
                loss_scale: LossScale::new(config.precision, config.optimizer.loss_scale),
                config: config.clone(),
                student,
                network,
                steps: 0,
                unfinished: Unfinished::none(config.device),
                profiles: false,
            })
        })
    }

    /// One training step. Where the input is refused or a loss is not finite, everything is as before it.
    pub fn step(
        &mut self,
        batch: &MultiCropBatch,
        at: &ScheduleValues,
    ) -> Result<StepReport, UdiError> {
        self.unfinished.refuse()?;
        let made = self.make(batch, at)?;
        // It was not begun in vain: nothing else was begun before it.
        let report = self.reported(made)?;
        report.map_or_else(|| self.step(batch, at), Ok)
    }

    /// Begins a step, of which a device makes what it can while the host goes on; the step before it need not be finished.
    /// Steps are finished in the order in which they were begun.
    pub fn begin(
        &mut self,
        batch: MultiCropBatch,
        at: ScheduleValues,
    ) -> Result<BegunStep, UdiError> {
        self.unfinished.refuse_repeats()?;
        let made = self.make(&batch, &at)?;
        Ok(BegunStep { batch, at, made })
    }

    /// Waits for a step that was begun. Where its loss is not finite, everything is as before it, and those begun behind it
    /// are made again when they are finished, as if they had been begun only then.
    pub fn finish(&mut self, step: BegunStep) -> Result<StepReport, UdiError> {
        let BegunStep { batch, at, made } = step;
        match self.reported(made)? {
            Some(report) => Ok(report),
            None => self.repeat(&batch, &at),
        }
    }

    fn make(&mut self, batch: &MultiCropBatch, at: &ScheduleValues) -> Result<Made, UdiError> {
        at.check()?;
        self.network.check(batch)?;
        let buffers = guard(|| Ok(self.buffers()))?;
        let halted = self.unfinished.halted.shallow_clone();
        guard(|| self.make_unguarded(batch, at, &buffers)).inspect_err(|_| {
            self.unfinished.halted = halted;
            restore(buffers);
        })
    }

    fn make_unguarded(
        &mut self,
        batch: &MultiCropBatch,
        at: &ScheduleValues,
        buffers: &[(Tensor, Tensor)],
    ) -> Result<Made, UdiError> {
        let watch = self.stopwatch();
        let prototypes = self.network.prototypes();
        let teacher_matrix = prototypes.matrix(&self.teacher)?;
        let backward = BackwardPass {
            learner: self,
            at,
            watch: &watch,
            teacher_matrix: &teacher_matrix,
            student_matrix: &prototypes.matrix(&self.student)?,
        }
        .run(batch)?;
        let before = self.counts();
        let (measured, verdict) = watch.time(Phase::Optimizer, || self.judge(&backward))?;
        self.steps += 1;
        let Backward {
            gradients, means, ..
        } = backward;
        watch.time(Phase::Optimizer, || {
            let gradients = self.trained(gradients, at);
            self.update(gradients, &measured, &verdict, at)
        })?;
        watch.time(Phase::Centers, || {
            no_grad(|| self.move_centers(&means, &teacher_matrix, &verdict))
        })?;
        let started = StepReport::started(self.steps, self.loss_scale.factor, watch.seconds());
        let crops = batch.shape().local_crops;
        match verdict {
            Verdict::Read(numbers) => {
                let report = self.report(started, &numbers, crops);
                self.loss_scale.adapt(report.skipped);
                Ok(Made::Read(report))
            }
            Verdict::Left(veto) => {
                self.loss_scale.adapt(false);
                no_grad(|| take_back_all(buffers, &veto));
                self.leave_unread(&measured, (started, crops), before)
            }
        }
    }

    /// Whether steps that were begun must be finished before another may begin: one before them did not go well.
    pub fn has_repeats(&self) -> bool {
        self.unfinished.repeats > 0
    }

    /// When the numbers of the steps to come are read; without this, as their device likes it.
    pub fn set_reading(&mut self, reading: Reading) {
        self.unfinished.reading = reading;
    }

    /// Whether the steps to come measure their phases, which costs a GPU its overlap.
    pub fn set_profiling(&mut self, profiles: bool) {
        self.profiles = profiles;
    }

    /// Floating-point operations a second of matrix products in this learner's precision, measured now (1.5 s).
    pub fn matrix_peak(&self) -> Result<f64, UdiError> {
        guard(|| {
            let kind = self.config.precision.kind();
            Ok(matrix_peak(self.config.device, kind))
        })
    }

    /// Most bytes that tensors of its CUDA device took at once in this process; None on the CPU.
    pub fn peak_device_bytes(&self) -> Result<Option<u64>, UdiError> {
        match self.config.device {
            Device::Cuda(index) => Ok(Some(torch_ext::peak_cuda_bytes(index)?)),
            _ => Ok(None),
        }
    }

    fn stopwatch(&self) -> Stopwatch {
        match self.profiles {
            true => Stopwatch::on(self.config.device),
            false => Stopwatch::off(self.config.device),
        }
    }

    /// The numbers of a backward pass, and who decides by them; or the first of them that stops the run.
    fn judge(&mut self, backward: &Backward) -> Result<(Measured, Verdict), UdiError> {
        let scale = self.loss_scale;
        let measured = Measured::of(backward, self.config.device, scale.factor)?;
        let verdict = match self.unfinished.reading {
            Reading::AtOnce => {
                let numbers = Numbers::read(measured.values(), &measured.layout)?;
                self.require_finite(&numbers, self.steps + 1)?;
                Verdict::Read(numbers)
            }
            Reading::Late => Verdict::Left(self.unfinished.judge(&measured, scale.varies())),
        };
        Ok((measured, verdict))
    }

    pub(crate) fn require_finite(&self, numbers: &Numbers, step: i64) -> Result<(), UdiError> {
        match numbers.non_finite(self.loss_scale.varies()) {
            Some((term, value)) => Err(UdiError::NonFinite { step, term, value }),
            None => Ok(()),
        }
    }

    /// The gradients of what this step trains.
    fn trained(
        &self,
        mut gradients: Vec<Option<Tensor>>,
        at: &ScheduleValues,
    ) -> Vec<Option<Tensor>> {
        if at.freeze_last_layer {
            for id in self.network.prototypes().parameters() {
                gradients[usize::from(id)] = None;
            }
        }
        gradients
    }

    /// The student takes its gradients, unless they overflowed, and the teacher follows.
    fn update(
        &mut self,
        tensors: Vec<Option<Tensor>>,
        measured: &Measured,
        verdict: &Verdict,
        at: &ScheduleValues,
    ) -> Result<(), UdiError> {
        let follower = Follower {
            teacher: &mut self.teacher,
            declarations: self.network.declarations(),
            share: 1.0 - at.momentum,
        };
        let pace = Pace {
            learning_rate: at.learning_rate,
            weight_decay: at.weight_decay,
        };
        let (limit, student) = (self.config.optimizer.clip_gradient, &mut self.student);
        match verdict {
            Verdict::Read(numbers) if numbers.overflowed() => no_grad(|| follower.follow(student)),
            Verdict::Read(numbers) => {
                let factors = factors(&numbers.norms, limit, self.loss_scale.factor);
                let gradients = ScaledGradients { tensors, factors };
                self.optimizer.update(student, follower, gradients, pace)
            }
            Verdict::Left(veto) => {
                let factors = measured.factors(limit);
                let gradients = JudgedGradients {
                    tensors,
                    factors,
                    veto,
                };
                self.optimizer
                    .update_judged(student, follower, gradients, pace)
            }
        }
    }

    fn move_centers(
        &mut self,
        means: &[(Level, Option<Tensor>)],
        teacher_matrix: &Tensor,
        verdict: &Verdict,
    ) -> Result<(), UdiError> {
        let momentum = self.config.objective.center_momentum;
        let values = self.centers.values().shallow_clone();
        let mut follow = || self.centers.follow(means, teacher_matrix, momentum);
        match verdict {
            Verdict::Read(_) => follow(),
            Verdict::Left(veto) => unless(&veto.everything, &[&values], follow),
        }
    }

    /// The report of a step that was started, with its numbers.
    pub(crate) fn report(&self, started: StepReport, numbers: &Numbers, crops: i64) -> StepReport {
        let levels = level_losses(self.centers.levels(), &numbers.terms, crops);
        let named = |(term, value): &(Term, f64)| (term.name(), *value);
        StepReport {
            loss: levels.iter().map(|(_, loss)| loss).sum::<f64>() / levels.len() as f64,
            levels,
            terms: numbers.terms.iter().map(named).collect(),
            gradient_norm: numbers.gradient_norm(),
            gradient_norms: numbers.norms.clone(),
            skipped: numbers.overflowed(),
            ..started
        }
    }

    /// Values of a network as a pass without gradient reads them.
    pub(crate) fn weights(&self, parameters: &Parameters) -> Result<Weights, UdiError> {
        let kind = self.config.precision.kind();
        Ok(parameters.weights(self.network.declarations(), kind)?)
    }

    /// The student's values as leaves of a graph.
    pub(crate) fn student_leaves(&self) -> Result<Weights, UdiError> {
        let kind = self.config.precision.kind();
        Ok(self.student.leaves(self.network.declarations(), kind)?)
    }

    /// Buffers of both networks, which a forward pass moves, with a copy of their values.
    fn buffers(&self) -> Vec<(Tensor, Tensor)> {
        let networks = [&self.student, &self.teacher].map(Parameters::tensors);
        let declarations = self.network.declarations();
        let each = networks.map(|tensors| tensors.iter().zip(declarations));
        let buffers = each.into_iter().flatten();
        buffers
            .filter(|(_, declaration)| declaration.role == Role::Buffer)
            .map(|(tensor, _)| (tensor.shallow_clone(), tensor.copy()))
            .collect()
    }

    /// Class-token features after the final norm: `images` square views of side `size`, `[images, 3, size, size]` ->
    /// `[images, C]`, row by row.
    pub fn features(
        &self,
        branch: Branch,
        images: i64,
        size: i64,
        pixels: &Pixels,
    ) -> Result<Vec<f32>, UdiError> {
        let patch = self.config.model.patch_size;
        let some = || "a whole number of at least 1".to_owned();
        expect(images > 0, "images", some, images)?;
        let side = || format!("at least one patch of {patch} pixels");
        expect(size >= patch, "size", side, size)?;
        let views = views_tensor(
            "pixels",
            pixels,
            &[images, 3, size, size],
            self.config.device,
        )?;
        guard(|| {
            let features = no_grad(|| {
                let weights = self.weights(self.parameters(branch))?;
                let views = normalised(&views, self.config.device)?;
                self.network.features(&weights, &views)
            })?;
            Ok(Vec::try_from(features.contiguous().flatten(0, -1))?)
        })
    }

    /// Tokens after the final norm of whole images, as those of an encoder with these weights: `[B, P + N, C]`, row by row.
    pub fn tokens(&self, branch: Branch, images: &ImageBatch) -> Result<Vec<f32>, UdiError> {
        self.reading(branch, |backbone| {
            Ok(backbone.layers(images, 1)?.pop().unwrap_or_default())
        })
    }

    /// Attention of the last block, a softmax over the tokens: `[B, heads, queries, P + N]`, row by row.
    pub fn attention(
        &self,
        branch: Branch,
        images: &ImageBatch,
        queries: Queries,
    ) -> Result<Vec<f32>, UdiError> {
        self.reading(branch, |backbone| backbone.attention(images, queries))
    }

    /// Lends a network's backbone; its weights are cast for as long as that takes.
    fn reading<T>(
        &self,
        branch: Branch,
        read: impl FnOnce(FrozenBackbone) -> Result<T, UdiError>,
    ) -> Result<T, UdiError> {
        let weights = guard(|| no_grad(|| self.weights(self.parameters(branch))))?;
        read(self.network.frozen(&weights, self.config.device))
    }

    /// Names of the parameters in the public checkpoints, without the network's prefix.
    pub fn parameter_names(&self) -> Vec<&str> {
        let declarations = self.network.declarations().iter();
        declarations
            .map(|declaration| declaration.name.as_str())
            .collect()
    }

    /// Steps made.
    pub fn steps(&self) -> i64 {
        self.steps
    }

    /// Copies all that training needs to go on into host memory, from where it can be written while the next step runs.
    pub fn snapshot(&self, into: &mut Snapshot) -> Result<(), UdiError> {
        self.unfinished.refuse()?;
        guard(|| into.copy(self))
    }

    /// Writes all that training needs to go on to a safetensors file.
    pub fn save(&self, path: &Path) -> Result<Written, UdiError> {
        let mut snapshot = Snapshot::default();
        self.snapshot(&mut snapshot)?;
        snapshot.write(path, &mut || {})
    }

    /// Takes the state of a file that [`Self::save`] wrote. If the file does not fit, everything is as before.
    pub fn load(&mut self, path: &Path) -> Result<(), UdiError> {
        self.unfinished.refuse()?;
        guard(|| state::load(self, path))
    }

    /// Takes the networks `student.NAME` and `teacher.NAME` of a safetensors file; optimiser and centres stay.
    pub fn load_networks(&mut self, path: &Path) -> Result<(), UdiError> {
        self.unfinished.refuse()?;
        guard(|| state::load_networks(self, path))
    }

    /// Starts student and teacher from given weights, by the names of the public checkpoints; what became of each parameter.
    pub fn adopt(
        &mut self,
        given: &HashMap<String, GivenWeights>,
    ) -> Result<Vec<(String, Adopted)>, UdiError> {
        guard(|| adopt(self, given))
    }

    /// Values of a parameter, in the order of [`Self::parameter_names`].
    pub fn parameter(&self, branch: Branch, index: usize) -> Result<Vec<f32>, UdiError> {
        let tensors = self.parameters(branch).tensors();
        let tensor = tensors.get(index).ok_or_else(|| {
            UdiError::argument("index", format!("below {}", tensors.len()), index)
        })?;
        Ok(Vec::try_from(tensor.flatten(0, -1))?)
    }

    /// Centres of the levels, `[levels, D]`, row by row.
    pub fn centers(&self) -> Result<Vec<f32>, UdiError> {
        Ok(Vec::try_from(self.centers.values().flatten(0, -1))?)
    }

    fn parameters(&self, branch: Branch) -> &Parameters {
        match branch {
            Branch::Student => &self.student,
            Branch::Teacher => &self.teacher,
        }
    }
}

/// Gives buffers their values back. A device that failed may refuse, which is no news then.
fn restore(buffers: Vec<(Tensor, Tensor)>) {
    let _ = guard(|| {
        no_grad(|| {
            for (mut buffer, before) in buffers {
                buffer.copy_(&before);
            }
        });
        Ok(())
    });
}

/// Gives buffers their values back where the device forbids the step that moved them.
fn take_back_all(buffers: &[(Tensor, Tensor)], veto: &Veto) {
    for (buffer, before) in buffers {
        take_back(&mut buffer.shallow_clone(), before, &veto.everything);
    }
}

impl StepReport {
    /// Of a step whose numbers are not read.
    fn started(step: i64, loss_scale: f64, phases: Vec<(&'static str, f64)>) -> Self {
        Self {
            step,
            loss_scale,
            phases,
            loss: f64::NAN,
            levels: Vec::new(),
            terms: Vec::new(),
            gradient_norm: f64::NAN,
            gradient_norms: Vec::new(),
            skipped: false,
        }
    }
}
