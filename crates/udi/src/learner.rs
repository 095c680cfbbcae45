//! The step: student, teacher, objective, optimiser.

use std::{collections::HashMap, path::Path};

use tch::{Device, Kind, Tensor, no_grad};
use weight_file::Written;

use crate::{
    adoption::{Adopted, GivenWeights, adopt},
    batch::{LoadedBatch, MultiCropBatch, Pixels, normalised, views_tensor},
    config::{LearnerConfig, ScheduleValues},
    error::{UdiError, expect},
    guard::guard,
    matrix_peak::matrix_peak,
    network::{Network, Pass, Prediction},
    objective::{Centers, Loss, PrototypeLoss, Targets, Term, level_losses, levels},
    optim::{LossScale, Optimizer, Pace, clip, norms},
    parameters::{Parameters, Weights},
    state::{self, Snapshot},
    stopwatch::{Phase, Stopwatch},
};

/// What the logits of a chunk of rows may take: enough for few passes over the prototypes, little beside a model.
const CPU_CHUNK_BYTES: i64 = 128 << 20;
const CUDA_CHUNK_BYTES: i64 = 1 << 30;

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

/// Values of the terms present.
type TermValues = Vec<(Term, f64)>;

/// What one step's backward pass gives.
struct Backward {
    /// Local crops L.
    crops: i64,
    terms: TermValues,
    /// In the order of the parameters, unscaled; None: not trained.
    gradients: Vec<Option<Tensor>>,
    norms: Tensor,
    norm_values: Vec<f64>,
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
        guard(|| {
            let watch = self.stopwatch();
            let matrix = self.network.prototypes().matrix(&self.teacher)?;
            let loaded = watch.time(Phase::Transfer, || batch.load(self.config.device));
            let targets = no_grad(|| self.targets(&loaded, &watch));
            let backward = self.backward(&loaded, &targets, &matrix, at, &watch)?;
            self.steps += 1;
            let report = self.report(&backward);
            if !report.skipped {
                watch.time(Phase::Optimizer, || self.update_student(backward, at));
            }
            self.loss_scale.adapt(report.skipped);
            watch.time(Phase::MovingAverage, || {
                self.teacher_follows(at.momentum);
                let momentum = self.config.objective.center_momentum;
                self.centers.follow(&targets.means, &matrix, momentum);
            });
            Ok(StepReport {
                phases: watch.seconds(),
                ..report
            })
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

    fn stopwatch(&self) -> Stopwatch {
        match self.profiles {
            true => Stopwatch::on(self.config.device),
            false => Stopwatch::off(self.config.device),
        }
    }

    fn targets(&self, loaded: &LoadedBatch, watch: &Stopwatch) -> Targets {
        let weights = self.weights(&self.teacher);
        let vectors = self.network.teach(self.pass(&weights, watch), loaded);
        let batch = loaded.batch;
        let mixing = (batch.shape().images, self.config.objective.alpha);
        Targets::new(&vectors, batch.maps(), self.centers.levels(), mixing)
    }

    fn backward(
        &self,
        loaded: &LoadedBatch,
        targets: &Targets,
        teacher_matrix: &Tensor,
        at: &ScheduleValues,
        watch: &Stopwatch,
    ) -> Result<Backward, UdiError> {
        let step = self.steps + 1;
        let leaves = self.student.leaves(self.network.declarations());
        let seed = (self.config.seed, step as u64);
        let batch = loaded.batch;
        let drops = self.network.draw_drops(batch, seed, self.config.device);
        let weights = self.weights(&leaves);
        let pass = self.pass(&weights, watch);
        let prediction = self.network.predict(pass, loaded, &drops);
        let mut loss = watch.time(Phase::Prototypes, || {
            no_grad(|| self.compare(&prediction, targets, teacher_matrix, at))
        })?;
        let terms = std::mem::take(&mut loss.terms);
        let gradients = watch.time(Phase::Backward, || {
            self.gradients(&leaves, &prediction, loss)
        })?;
        let norms = no_grad(|| norms(&gradients));
        let (terms, norm_values) = read_numbers(&terms, &norms)?;
        let backward = Backward {
            crops: batch.shape().local_crops,
            terms,
            gradients,
            norms,
            norm_values,
        };
        match backward.non_finite(self.loss_scale.varies()) {
            Some((term, value)) => Err(UdiError::NonFinite { step, term, value }),
            None => Ok(backward),
        }
    }

    fn compare(
        &self,
        prediction: &Prediction,
        targets: &Targets,
        teacher_matrix: &Tensor,
        at: &ScheduleValues,
    ) -> Result<Loss, UdiError> {
        let loss = PrototypeLoss {
            student_temperature: self.config.objective.student_temperature,
            teacher_temperature: at.teacher_temperature,
            kind: self.config.precision.kind(),
            loss_scale: self.loss_scale.factor,
            chunk_bytes: match self.config.device {
                Device::Cuda(_) => CUDA_CHUNK_BYTES,
                _ => CPU_CHUNK_BYTES,
            },
        };
        let student_matrix = self.network.prototypes().matrix(&self.student)?;
        loss.backward(
            prediction,
            targets,
            &self.centers,
            &student_matrix,
            teacher_matrix,
        )
    }

    /// Gradients of all parameters that are trained, the loss scale taken out again.
    fn gradients(
        &self,
        leaves: &Parameters,
        prediction: &Prediction,
        loss: Loss,
    ) -> Result<Vec<Option<Tensor>>, UdiError> {
        let learning: Vec<&Tensor> = leaves
            .tensors()
            .iter()
            .filter(|leaf| leaf.requires_grad())
            .collect();
        // The gradient of this sum at the vectors is the one computed by hand.
        let sum = (&prediction.vectors * &loss.vectors).sum(Kind::Float);
        let mut computed = Tensor::run_backward(&[sum], &learning, false, false).into_iter();
        let of_leaf = |leaf: &Tensor| match leaf.requires_grad() {
            true => computed.next().filter(Tensor::defined),
            false => None,
        };
        let mut gradients: Vec<_> = leaves.tensors().iter().map(of_leaf).collect();
        let prototypes = self.network.prototypes();
        for (id, gradient) in prototypes.gradients(&self.student, loss.matrix)? {
            gradients[usize::from(id)] = Some(gradient);
        }
        if self.loss_scale.factor != 1.0 {
            no_grad(|| {
                for gradient in gradients.iter_mut().flatten() {
                    let _ = gradient.g_div_scalar_(self.loss_scale.factor);
                }
            });
        }
        Ok(gradients)
    }

    fn update_student(&mut self, mut backward: Backward, at: &ScheduleValues) {
        let limit = self.config.optimizer.clip_gradient;
        clip(&mut backward.gradients, &backward.norms, limit);
        if at.freeze_last_layer {
            for id in self.network.prototypes().parameters() {
                backward.gradients[usize::from(id)] = None;
            }
        }
        let pace = Pace {
            learning_rate: at.learning_rate,
            weight_decay: at.weight_decay,
        };
        self.optimizer
            .update(&mut self.student, &backward.gradients, pace);
    }

    fn teacher_follows(&mut self, momentum: f64) {
        let declarations = self.network.declarations();
        no_grad(|| {
            self.teacher
                .follow(&self.student, declarations, 1.0 - momentum)
        });
    }

    fn report(&self, backward: &Backward) -> StepReport {
        let gradient_norm = backward.gradient_norm();
        let levels = level_losses(self.centers.levels(), &backward.terms, backward.crops);
        let named = |(term, value): &(Term, f64)| (term.name(), *value);
        StepReport {
            step: self.steps,
            loss: levels.iter().map(|(_, loss)| loss).sum::<f64>() / levels.len() as f64,
            levels,
            terms: backward.terms.iter().map(named).collect(),
            gradient_norm,
            gradient_norms: backward.norm_values.clone(),
            skipped: !gradient_norm.is_finite(),
            loss_scale: self.loss_scale.factor,
            phases: Vec::new(),
        }
    }

    fn pass<'a>(&self, weights: &'a Weights, watch: &'a Stopwatch) -> Pass<'a> {
        Pass {
            weights,
            device: self.config.device,
            watch,
        }
    }

    fn weights(&self, parameters: &Parameters) -> Weights {
        parameters.weights(self.network.declarations(), self.config.precision.kind())
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
        let views = views_tensor("pixels", pixels, &[images, 3, size, size])?;
        guard(|| {
            let features = no_grad(|| {
                let weights = self.weights(self.parameters(branch));
                let views = normalised(&views, self.config.device);
                self.network.features(&weights, &views)
            });
            Ok(Vec::try_from(features.contiguous().flatten(0, -1))?)
        })
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

impl Backward {
    fn gradient_norm(&self) -> f64 {
        let squares = self.norm_values.iter().map(|norm| norm * norm);
        squares.sum::<f64>().sqrt()
    }

    /// The first number that stops the run. Gradients may overflow where the loss scale adapts to it.
    fn non_finite(&self, gradients_may_overflow: bool) -> Option<(&'static str, f64)> {
        let terms = self.terms.iter().map(|(term, value)| (term.name(), *value));
        let gradient = Some(("the gradient norm", self.gradient_norm()));
        terms
            .chain(gradient.filter(|_| !gradients_may_overflow))
            .find(|(_, value)| !value.is_finite())
    }
}

/// Values of the terms and of the gradient norms, in one transfer from the device.
fn read_numbers(
    terms: &[(Term, Tensor)],
    norms: &Tensor,
) -> Result<(TermValues, Vec<f64>), UdiError> {
    let sums: Vec<&Tensor> = terms.iter().map(|(_, value)| value).collect();
    let numbers = Tensor::cat(&[Tensor::stack(&sums, 0), norms.shallow_clone()], 0);
    let mut values = Vec::<f64>::try_from(numbers.to_kind(Kind::Double))?;
    let norms = values.split_off(terms.len());
    let names = terms.iter().map(|(term, _)| *term);
    Ok((names.zip(values).collect(), norms))
}
