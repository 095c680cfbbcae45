//! What the networks in training tell apart: numbers that show a collapse, over images that are fed batch by batch.
//!
//! Nothing of the learner moves: no gradient, no random number, and BatchNorm's running statistics stay as they are.

mod distributions;
mod features;

#[cfg(test)]
mod tests;

use tch::{Device, Kind, Tensor, no_grad};

use crate::{
    batch::MultiCropBatch,
    error::{UdiError, expect},
    guard::guard,
    learner::Learner,
    objective::Level,
    parameters::Parameters,
};
use distributions::{Distributions, Logits};
use features::{effective_rank, spread};

/// Class-token features of the images fed so far, as both networks had them.
#[derive(Debug, Default)]
pub struct Inspection {
    /// Of the first global view, each `[B, C]`, fp32.
    teacher: Vec<Tensor>,
    /// Of the second.
    student: Vec<Tensor>,
}

/// What an inspection found at the class level.
#[derive(Debug, Clone, PartialEq)]
pub struct InspectionReport {
    /// Images fed.
    pub images: i64,
    /// Effective rank of the teacher's features before the head, from 1 to `largest_rank` (RankMe: Garrido et al. 2023).
    pub effective_rank: f64,
    /// The smaller of the number of images and the width.
    pub largest_rank: i64,
    /// Mean over dimensions of the standard deviation of the normalised features times √C: 1 where they go in all
    /// directions alike, 0 where all are the same (Chen & He, SimSiam 2021).
    pub spread: f64,
    /// Entropy in nats of the teacher's mean distribution over prototypes.
    pub entropy_of_mean: f64,
    /// Mean entropy in nats of its distributions. What it is below `entropy_of_mean` is their mean divergence (KL) from
    /// their mean.
    pub mean_entropy: f64,
    /// ln D.
    pub largest_entropy: f64,
    /// Prototypes that are the most probable one of some image, as a share of those that could be: the smaller of the
    /// number of images and D.
    pub prototypes_used: f64,
    /// Share of images whose most probable prototype is the same for student and teacher.
    pub agreement: f64,
    /// What that share would be if both chose as often as they do, but independently of each other.
    pub chance_agreement: f64,
    /// L2 norm of each level's centre.
    pub center_norms: Vec<(&'static str, f64)>,
}

impl Inspection {
    fn images(&self) -> i64 {
        self.teacher.iter().map(|rows| rows.size()[0]).sum()
    }
}

impl Learner {
    /// Feeds the images of a batch, of which only the global views are read: the teacher sees the first of an image, the
    /// student the second.
    pub fn inspect(&self, batch: &MultiCropBatch, into: &mut Inspection) -> Result<(), UdiError> {
        self.unfinished.refuse()?;
        let patch = self.config.model.patch_size;
        let same = || format!("the model's patch size {patch}");
        let received = batch.patch_size();
        expect(received == patch, "patchSize", same, received)?;
        let [teacher, student] = guard(|| no_grad(|| self.features_of_views(batch)))?;
        into.teacher.push(teacher);
        into.student.push(student);
        Ok(())
    }

    /// What the images fed show, with the teacher's distributions as targets are made of them at this temperature.
    pub fn inspected(
        &self,
        inspection: &Inspection,
        teacher_temperature: f64,
    ) -> Result<InspectionReport, UdiError> {
        self.unfinished.refuse()?;
        let images = inspection.images();
        let some = || "at least 2 images".to_owned();
        expect(images > 1, "inspection", some, images)?;
        let fits = teacher_temperature.is_finite() && teacher_temperature > 0.0;
        let positive = || "a number above 0".to_owned();
        expect(fits, "teacherTemperature", positive, teacher_temperature)?;
        guard(|| no_grad(|| self.report_of(inspection, teacher_temperature)))
    }

    /// The teacher's of the first views, the student's of the second, `[B, C]` each.
    fn features_of_views(&self, batch: &MultiCropBatch) -> Result<[Tensor; 2], UdiError> {
        let loaded = batch.load(self.config.device)?;
        let images = batch.shape().images;
        let features = |parameters: &Parameters, view: i64| {
            let views = loaded.globals.narrow(0, view * images, images);
            self.network.features(&self.weights(parameters)?, &views)
        };
        Ok([features(&self.teacher, 0)?, features(&self.student, 1)?])
    }

    fn report_of(
        &self,
        inspection: &Inspection,
        temperature: f64,
    ) -> Result<InspectionReport, UdiError> {
        let teacher = Tensor::cat(&inspection.teacher, 0);
        let student = Tensor::cat(&inspection.student, 0);
        self.require_finite_sum(&teacher, "the teacher's features")?;
        self.require_finite_sum(&student, "the student's features")?;
        let distributions = Distributions::of(
            &self.logits(&self.teacher, &teacher)?,
            &self.logits(&self.student, &student)?,
            (&self.centers.of(Level::Cls), temperature),
        )?;
        let features = teacher.to_device(Device::Cpu).to_kind(Kind::Double);
        let (images, width) = features.size2()?;
        let prototypes = self.config.model.head.prototypes;
        let share = |count: i64, of: i64| count as f64 / of as f64;
        let report = InspectionReport {
            images,
            effective_rank: effective_rank(&features),
            largest_rank: images.min(width),
            spread: spread(&features),
            entropy_of_mean: distributions.entropy_of_mean,
            mean_entropy: distributions.mean_entropy,
            largest_entropy: (prototypes as f64).ln(),
            prototypes_used: share(distributions.used, prototypes.min(images)),
            agreement: distributions.agreement,
            chance_agreement: distributions.chance_agreement,
            center_norms: self.center_norms(),
        };
        match report.mean_entropy.is_finite() {
            true => Ok(report),
            false => Err(self.not_finite("the teacher's distributions", report.mean_entropy)),
        }
    }

    /// What the head makes of features `[rows, C]`. BatchNorm takes its statistics over all of them.
    fn logits(&self, parameters: &Parameters, features: &Tensor) -> Result<Logits, UdiError> {
        let weights = self.weights(parameters)?;
        let weights = weights.with_own_buffers(self.network.declarations());
        let kind = self.config.precision.kind();
        let matrix = self.network.prototypes().matrix(parameters)?;
        Ok(Logits {
            vectors: self.network.vectors(&weights, features).to_kind(kind),
            matrix: matrix.to_kind(kind),
        })
    }

    fn center_norms(&self) -> Vec<(&'static str, f64)> {
        let norm = |level: &Level| {
            (
                level.name(),
                self.centers.of(*level).norm().double_value(&[]),
            )
        };
        self.centers.levels().iter().map(norm).collect()
    }

    fn require_finite_sum(&self, values: &Tensor, name: &'static str) -> Result<(), UdiError> {
        let sum = values.sum(Kind::Double).double_value(&[]);
        match sum.is_finite() {
            true => Ok(()),
            false => Err(self.not_finite(name, sum)),
        }
    }

    fn not_finite(&self, term: &'static str, value: f64) -> UdiError {
        UdiError::NonFinite {
            step: self.steps,
            term,
            value,
        }
    }
}
