//! Losses and gradients of a step: its images go through the networks all at once, or in parts whose losses and gradients
//! add up to those of the whole.

use tch::{Device, Kind, Tensor, no_grad};

use crate::{
    backbone::Tape,
    batch::{LoadedBatch, MultiCropBatch},
    config::ScheduleValues,
    error::UdiError,
    learner::Learner,
    maps::Maps,
    micro_batch::MicroBatch,
    network::{Pass, Prediction, StudentDrops},
    objective::{Level, Loss, PrototypeLoss, Targets, Term, Whole},
    parameters::Weights,
    stopwatch::{Phase, Stopwatch},
};

/// What the logits of a chunk of rows may take: enough for few passes over the prototypes, little beside a model.
const CPU_CHUNK_BYTES: i64 = 128 << 20;
const CUDA_CHUNK_BYTES: i64 = 1 << 30;

/// What the backward pass of a step gives, on the device.
#[derive(Debug)]
pub(crate) struct Backward {
    /// Mean cross-entropy of each term present.
    pub terms: Vec<(Term, Tensor)>,
    /// In the order of the parameters, fp32, of the loss times its scale; None: not trained.
    pub gradients: Vec<Option<Tensor>>,
    /// The batch's mean teacher vector `[K]` of each level; None: the level holds no sample.
    pub means: Vec<(Level, Option<Tensor>)>,
}

/// A backward pass: what all parts of a batch share.
#[derive(Debug)]
pub(crate) struct BackwardPass<'a> {
    pub learner: &'a Learner,
    pub at: &'a ScheduleValues,
    pub watch: &'a Stopwatch,
    /// The teacher's prototypes `[D, K]`.
    pub teacher_matrix: &'a Tensor,
    /// The student's.
    pub student_matrix: &'a Tensor,
}

/// Sums over the parts seen so far.
struct Sums {
    backward: Backward,
    /// Gradient of the student's prototypes, `[D, K]`.
    matrix: Tensor,
}

impl BackwardPass<'_> {
    /// Runs the batch through both networks and back. Stochastic depth is that of the undivided batch; what differs where
    /// it is cut is what belongs to a pass: statistics of BatchNorm.
    pub fn run(&self, batch: &MultiCropBatch) -> Result<Backward, UdiError> {
        let config = &self.learner.config;
        let whole = Whole {
            images: batch.shape().images,
            patches: batch.maps().map_or(0, Maps::valid_count),
        };
        let seed = (config.seed, self.learner.steps as u64 + 1);
        let network = &self.learner.network;
        let drops = network.draw_drops(batch, seed);
        let sums = match config.optimizer.accumulate {
            1 => self.part(batch, whole, &drops)?,
            parts => self.parts(&batch.split(parts)?, whole, &drops)?,
        };
        let Sums {
            mut backward,
            matrix,
        } = sums;
        let prototypes = network.prototypes();
        for (id, gradient) in prototypes.gradients(&self.learner.student, matrix)? {
            backward.gradients[usize::from(id)] = Some(gradient);
        }
        Ok(backward)
    }

    fn parts(
        &self,
        parts: &[MicroBatch],
        whole: Whole,
        drops: &StudentDrops,
    ) -> Result<Sums, UdiError> {
        let mut sums: Option<Sums> = None;
        for part in parts {
            let drops = drops.part(whole.images, part.images);
            let mut of_part = self.part(&part.batch, whole, &drops)?;
            of_part.weigh(part);
            match &mut sums {
                None => sums = Some(of_part),
                Some(sums) => sums.add(of_part),
            }
        }
        sums.ok_or_else(|| UdiError::argument("images", "at least one part", parts.len()))
    }

    fn part(
        &self,
        batch: &MultiCropBatch,
        whole: Whole,
        drops: &StudentDrops,
    ) -> Result<Sums, UdiError> {
        let device = self.learner.config.device;
        let (loaded, drops) = self.watch.time(Phase::Transfer, || {
            Ok::<_, UdiError>((batch.load(device)?, drops.on(device)?))
        })?;
        let targets = no_grad(|| self.targets(&loaded))?;
        let leaves = self.learner.student_leaves()?;
        let pass = self.pass(&leaves);
        let (prediction, tape) = self.learner.network.predict(pass, &loaded, &drops)?;
        let loss = self.watch.time(Phase::Prototypes, || {
            no_grad(|| self.compare(&prediction, &targets, whole))
        })?;
        let gradients = self.watch.time(Phase::Backward, || {
            self.gradients(&leaves, (prediction, tape), &loss.vectors)
        })?;
        Ok(Sums {
            backward: Backward {
                terms: loss.terms,
                gradients,
                means: targets.means,
            },
            matrix: loss.matrix,
        })
    }

    fn targets(&self, loaded: &LoadedBatch) -> Result<Targets, UdiError> {
        let learner = self.learner;
        let weights = learner.weights(&learner.teacher)?;
        let vectors = learner.network.teach(self.pass(&weights), loaded)?;
        let batch = loaded.batch;
        let mixing = (batch.shape().images, learner.config.objective.alpha);
        let levels = learner.centers.levels();
        let maps = loaded.maps.as_ref();
        Ok(Targets::new(&vectors, maps, levels, mixing))
    }

    fn compare(
        &self,
        prediction: &Prediction,
        targets: &Targets,
        whole: Whole,
    ) -> Result<Loss, UdiError> {
        let config = &self.learner.config;
        let loss = PrototypeLoss {
            student_temperature: config.objective.student_temperature,
            teacher_temperature: self.at.teacher_temperature,
            kind: config.precision.kind(),
            loss_scale: self.learner.loss_scale.factor,
            chunk_bytes: match config.device {
                Device::Cuda(_) => CUDA_CHUNK_BYTES,
                _ => CPU_CHUNK_BYTES,
            },
            whole,
        };
        let (student, teacher) = (self.student_matrix, self.teacher_matrix);
        loss.backward(prediction, targets, &self.learner.centers, student, teacher)
    }

    /// Gradients of all parameters but the prototypes', fp32.
    fn gradients(
        &self,
        leaves: &Weights,
        prediction: (Prediction, Tape),
        vectors: &Tensor,
    ) -> Result<Vec<Option<Tensor>>, UdiError> {
        let network = &self.learner.network;
        let gradients = network.gradients(leaves, prediction, vectors)?;
        let fp32 = |gradient: Tensor| gradient.to_kind(Kind::Float).contiguous();
        Ok(gradients
            .into_iter()
            .map(|gradient| gradient.map(fp32))
            .collect())
    }

    fn pass<'a>(&'a self, weights: &'a Weights) -> Pass<'a> {
        Pass {
            weights,
            device: self.learner.config.device,
            watch: self.watch,
        }
    }
}

impl Sums {
    /// Means over a part become its share of the means over the whole batch. Losses and gradients are that already.
    fn weigh(&mut self, part: &MicroBatch) {
        for (level, mean) in &mut self.backward.means {
            let share = match level {
                Level::Patch => part.mass_share,
                Level::Cls | Level::ClsPlus => part.share,
            };
            if let Some(mean) = mean {
                *mean = &*mean * share;
            }
        }
    }

    fn add(&mut self, other: Self) {
        let _ = self.matrix.g_add_(&other.matrix);
        let own = &mut self.backward;
        for ((_, sum), (_, term)) in own.terms.iter_mut().zip(&other.backward.terms) {
            let _ = sum.g_add_(term);
        }
        for (sum, gradient) in own.gradients.iter_mut().zip(other.backward.gradients) {
            *sum = added(sum.take(), gradient);
        }
        for ((_, sum), (_, mean)) in own.means.iter_mut().zip(other.backward.means) {
            *sum = added(sum.take(), mean);
        }
    }
}

/// The sum of what is there, in the memory of the first.
fn added(sum: Option<Tensor>, other: Option<Tensor>) -> Option<Tensor> {
    match (sum, other) {
        (Some(mut sum), Some(other)) => Some(sum.g_add_(&other)),
        (sum, other) => sum.or(other),
    }
}
