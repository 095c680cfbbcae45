//! The step: student, teacher, objective, optimiser.

use std::{collections::HashMap, path::Path};

use tch::{Device, Kind, Tensor, no_grad};
use weight_file::Written;

use crate::{
    adoption::{Adopted, GivenWeights, adopt},
    backward::{Backward, BackwardPass},
    batch::{MultiCropBatch, Pixels, normalised, views_tensor},
    config::{LearnerConfig, ScheduleValues},
    error::{UdiError, expect},
    frozen::{FrozenBackbone, ImageBatch, Queries},
    guard::guard,
    matrix_peak::matrix_peak,
    network::Network,
    objective::{Centers, Term, level_losses, levels},
    optim::{Follower, LossScale, Optimizer, Pace, ScaledGradients, factors, norms, of_parameters},
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
    profiles: bool,
}

/// What a step's backward pass gave, read from the device.
struct Numbers {
    terms: Vec<(Term, f64)>,
    /// L2 norm of each parameter's gradient, the loss scale taken out.
    norms: Vec<f64>,
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
                loss_scale: LossScale::new(config.precision),
                config: config.clone(),
                student,
                network,
                steps: 0,
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
        at.check()?;
        self.network.check(batch)?;
        let buffers = guard(|| Ok(self.buffers()))?;
        guard(|| self.step_unguarded(batch, at)).inspect_err(|_| restore(buffers))
    }

    fn step_unguarded(
        &mut self,
        batch: &MultiCropBatch,
        at: &ScheduleValues,
    ) -> Result<StepReport, UdiError> {
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
        let numbers = watch.time(Phase::Optimizer, || self.read(&backward))?;
        self.steps += 1;
        let report = self.report(&numbers, batch.shape().local_crops);
        let Backward {
            gradients, means, ..
        } = backward;
        watch.time(Phase::Optimizer, || {
            let gradients = (!report.skipped).then(|| self.clipped(gradients, &numbers, at));
            self.update(gradients, at)
        })?;
        self.loss_scale.adapt(report.skipped);
        watch.time(Phase::Centers, || {
            let momentum = self.config.objective.center_momentum;
            no_grad(|| self.centers.follow(&means, &teacher_matrix, momentum))
        })?;
        Ok(StepReport {
            phases: watch.seconds(),
            ..report
        })
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

    /// Terms and gradient norms of a backward pass, or the first of them that stops the run.
    fn read(&self, backward: &Backward) -> Result<Numbers, UdiError> {
        let norms = no_grad(|| norms(&backward.gradients, self.config.device))?;
        let numbers = Numbers::read(backward, &norms, self.loss_scale.factor)?;
        match numbers.non_finite(self.loss_scale.varies()) {
            Some((term, value)) => Err(UdiError::NonFinite {
                step: self.steps + 1,
                term,
                value,
            }),
            None => Ok(numbers),
        }
    }

    fn clipped(
        &self,
        mut tensors: Vec<Option<Tensor>>,
        numbers: &Numbers,
        at: &ScheduleValues,
    ) -> ScaledGradients {
        if at.freeze_last_layer {
            for id in self.network.prototypes().parameters() {
                tensors[usize::from(id)] = None;
            }
        }
        let limit = self.config.optimizer.clip_gradient;
        ScaledGradients {
            factors: factors(&numbers.norms, limit, self.loss_scale.factor),
            tensors,
        }
    }

    /// The student takes its gradients, if any, and the teacher follows.
    fn update(
        &mut self,
        gradients: Option<ScaledGradients>,
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
        let student = &mut self.student;
        match gradients {
            Some(gradients) => self.optimizer.update(student, follower, gradients, pace),
            None => no_grad(|| follower.follow(student)),
        }
    }

    fn report(&self, numbers: &Numbers, crops: i64) -> StepReport {
        let gradient_norm = numbers.gradient_norm();
        let levels = level_losses(self.centers.levels(), &numbers.terms, crops);
        let named = |(term, value): &(Term, f64)| (term.name(), *value);
        StepReport {
            step: self.steps,
            loss: levels.iter().map(|(_, loss)| loss).sum::<f64>() / levels.len() as f64,
            levels,
            terms: numbers.terms.iter().map(named).collect(),
            gradient_norm,
            gradient_norms: numbers.norms.clone(),
            skipped: !gradient_norm.is_finite(),
            loss_scale: self.loss_scale.factor,
            phases: Vec::new(),
        }
    }

    /// Values of a network as a pass without gradient reads them.
    pub(crate) fn weights(&self, parameters: &Parameters) -> Weights {
        parameters.weights(self.network.declarations(), self.config.precision.kind())
    }

    /// The student's values as leaves of a graph.
    pub(crate) fn student_leaves(&self) -> Weights {
        let kind = self.config.precision.kind();
        self.student.leaves(self.network.declarations(), kind)
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
                let weights = self.weights(self.parameters(branch));
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
        let weights = guard(|| Ok(no_grad(|| self.weights(self.parameters(branch)))))?;
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
        guard(|| state::load(self, path))
    }

    /// Takes the networks `student.NAME` and `teacher.NAME` of a safetensors file; optimiser and centres stay.
    pub fn load_networks(&mut self, path: &Path) -> Result<(), UdiError> {
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

impl Numbers {
    /// In one transfer from the device.
    fn read(backward: &Backward, norms: &Tensor, loss_scale: f64) -> Result<Self, UdiError> {
        let terms = &backward.terms;
        let sums: Vec<&Tensor> = terms.iter().map(|(_, value)| value).collect();
        let numbers = [&Tensor::stack(&sums, 0), norms].map(|part| part.to_kind(Kind::Double));
        let mut values = Vec::<f64>::try_from(Tensor::cat(&numbers, 0))?;
        let norms = of_parameters(&backward.gradients, &values.split_off(terms.len()));
        let norms = norms.into_iter();
        let names = terms.iter().map(|(term, _)| *term);
        Ok(Self {
            terms: names.zip(values).collect(),
            norms: norms.map(|norm| norm / loss_scale).collect(),
        })
    }

    fn gradient_norm(&self) -> f64 {
        let squares = self.norms.iter().map(|norm| norm * norm);
        squares.sum::<f64>().sqrt()
    }

    /// The first number that stops the run. ScaledGradients may overflow where the loss scale adapts to it.
    fn non_finite(&self, gradients_may_overflow: bool) -> Option<(&'static str, f64)> {
        let terms = self.terms.iter().map(|(term, value)| (term.name(), *value));
        let gradient = Some(("the gradient norm", self.gradient_norm()));
        terms
            .chain(gradient.filter(|_| !gradients_may_overflow))
            .find(|(_, value)| !value.is_finite())
    }
}
