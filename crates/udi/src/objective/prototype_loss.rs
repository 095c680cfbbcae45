//! Cross-entropy over prototypes with its gradient by hand: logits, softmax and gradient of a few rows at a time.
//!
//! Nothing of shape `[rows, D]` outlives its chunk: what is kept is the gradient of the bottleneck vectors
//! `[rows, K]` and of the prototypes `[D, K]`. For one student row with logits z, target t and weight w
//! the loss is `w (logsumexp(z) - t·z)` and its gradient `w (softmax(z) - t)`.

use tch::{Device, Kind, Tensor};

use super::{
    centers::Centers,
    softmax_pass::SoftmaxPass,
    targets::Targets,
    terms::{Level, Term},
};
use crate::{
    error::UdiError,
    network::{Prediction, StudentRows},
};

/// What a chunk's logits may take, in bytes: they are read and written several times.
const CPU_CHUNK_BYTES: i64 = 16 << 20;
const CUDA_CHUNK_BYTES: i64 = 256 << 20;

/// Numbers of the objective at one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrototypeLoss {
    pub student_temperature: f64,
    pub teacher_temperature: f64,
    /// Kind of the operands of matrix products.
    pub kind: Kind,
    /// The gradient, not the loss, is multiplied by it.
    pub loss_scale: f64,
}

/// The loss and its gradient.
#[derive(Debug)]
pub(crate) struct Loss {
    /// Mean cross-entropy of each term present, a scalar on the device.
    pub terms: Vec<(Term, Tensor)>,
    /// Of the student's bottleneck vectors, `[rows, K]`.
    pub vectors: Tensor,
    /// Of the student's prototypes, `[D, K]`.
    pub matrix: Tensor,
}

/// Target vectors and all student rows that are compared with them.
struct Comparison<'a> {
    level: Level,
    /// `[views, M, K]`
    teacher: &'a Tensor,
    parts: Vec<Part>,
}

/// Student rows `first..first + streams * M`: each target serves one row of each stream.
struct Part {
    term: Term,
    first: i64,
    streams: i64,
    target: Target,
    /// Weight of a row in the loss.
    weight: f64,
    /// Weight of a row in its term.
    share: f64,
}

/// Which distribution of the teacher's views is the target.
#[derive(Clone, Copy)]
enum Target {
    View(i64),
    Mean,
}

impl PrototypeLoss {
    /// Compares a prediction with its targets. `student` and `teacher` are the matrices `[D, K]` of their prototypes.
    pub fn backward(
        &self,
        prediction: &Prediction,
        targets: &Targets,
        centers: &Centers,
        student: &Tensor,
        teacher: &Tensor,
    ) -> Result<Loss, UdiError> {
        let vectors = prediction.vectors.detach();
        let mut pass = Pass {
            loss: self,
            softmax: SoftmaxPass::on(vectors.device()),
            student: student.to_kind(self.kind),
            teacher: teacher.to_kind(self.kind),
            gradient: Loss {
                terms: Vec::new(),
                vectors: vectors.zeros_like(),
                matrix: student.zeros_like(),
            },
            vectors,
        };
        for comparison in comparisons(&prediction.rows, targets, centers.levels().len()) {
            pass.compare(&comparison, &centers.of(comparison.level))?;
        }
        Ok(pass.gradient)
    }
}

/// All comparisons of a step. A level's loss is the mean of its terms, weighted by the number of views: 2 global, 2 L local.
fn comparisons<'a>(rows: &StudentRows, targets: &'a Targets, levels: usize) -> Vec<Comparison<'a>> {
    let (images, crops) = (rows.images, rows.crops);
    let level = 1.0 / levels as f64;
    let per_view = level / (1 + crops) as f64;
    let globals = |token, term| {
        [0, 1].map(|view| Part {
            term,
            first: rows.globals(token) + view * images,
            streams: 1,
            target: Target::View(view),
            weight: per_view / (2 * images) as f64,
            share: 1.0 / (2 * images) as f64,
        })
    };
    let locals = |token, term, streams| Part {
        term,
        first: rows.locals(token),
        streams,
        target: Target::Mean,
        weight: per_view / images as f64,
        share: 1.0 / (crops * images) as f64,
    };
    let mut class = Comparison {
        level: Level::Cls,
        teacher: &targets.class,
        parts: globals(0, Term::GlobalCls).into(),
    };
    if crops > 0 {
        class.parts.push(locals(0, Term::LocalCls, crops));
    }
    let mut all = vec![class];
    if let Some(plus) = &targets.plus {
        all.push(Comparison {
            level: Level::ClsPlus,
            teacher: &plus.globals,
            parts: globals(1, Term::GlobalClsPlus).into(),
        });
        if crops > 0 {
            all.push(Comparison {
                level: Level::ClsPlus,
                teacher: &plus.locals,
                parts: vec![locals(1, Term::LocalClsPlus, 1)],
            });
        }
    }
    if let Some(patches) = &targets.patches {
        // A batch without a valid sample gives a term of 0, not of 0/0.
        let valid = rows.patches.max(1) as f64;
        all.push(Comparison {
            level: Level::Patch,
            teacher: patches,
            parts: vec![Part {
                term: Term::GlobalPatch,
                first: rows.patches(),
                streams: 1,
                target: Target::View(0),
                weight: level / valid,
                share: 1.0 / valid,
            }],
        });
    }
    all
}

struct Pass<'a> {
    loss: &'a PrototypeLoss,
    softmax: SoftmaxPass,
    student: Tensor,
    teacher: Tensor,
    vectors: Tensor,
    gradient: Loss,
}

impl Pass<'_> {
    fn compare(&mut self, comparison: &Comparison, center: &Tensor) -> Result<(), UdiError> {
        let width = self.vectors.size()[1];
        let teacher = match comparison.teacher.dim() {
            2 => comparison.teacher.unsqueeze(0),
            _ => comparison.teacher.shallow_clone(),
        };
        let size = teacher.size();
        let streams = comparison.parts.iter().map(|part| part.streams).max();
        let chunk = self.chunk(size[0].max(streams.unwrap_or(1)));
        let mut sums: Vec<(Term, Tensor)> = Vec::new();
        for start in (0..size[1]).step_by(chunk as usize) {
            let count = chunk.min(size[1] - start);
            let targets = self.distributions(&teacher.narrow(1, start, count), center)?;
            for part in &comparison.parts {
                let rows = |all: &Tensor| {
                    all.narrow(0, part.first, part.streams * size[1])
                        .view([part.streams, size[1], width])
                        .narrow(1, start, count)
                };
                let target = part.target.of(&targets);
                let (value, gradient) = self.cross_entropy(&rows(&self.vectors), &target, part)?;
                rows(&self.gradient.vectors).copy_(&gradient);
                sums.push((part.term, value));
            }
        }
        for part in &comparison.parts {
            self.add(part.term, None);
        }
        for (term, value) in sums {
            self.add(term, Some(value));
        }
        Ok(())
    }

    /// Rows whose logits fit a chunk, for that many rows of each target.
    fn chunk(&self, rows_of_target: i64) -> i64 {
        let bytes = match self.vectors.device() {
            Device::Cuda(_) => CUDA_CHUNK_BYTES,
            _ => CPU_CHUNK_BYTES,
        };
        (bytes / (4 * self.student.size()[0] * rows_of_target)).max(1)
    }

    /// `[views, m, K]` -> the teacher's distributions `[views, m, D]`.
    fn distributions(&self, teacher: &Tensor, center: &Tensor) -> Result<Tensor, UdiError> {
        let logits = self.logits(teacher, &self.teacher);
        let temperature = self.loss.teacher_temperature;
        let distributions = self.softmax.distributions(logits, center, temperature)?;
        let size = teacher.size();
        Ok(distributions.view([size[0], size[1], -1]))
    }

    /// `[.., K]` -> `[rows, D]`, fp32.
    fn logits(&self, vectors: &Tensor, matrix: &Tensor) -> Tensor {
        let rows = vectors.flatten(0, -2).to_kind(self.loss.kind);
        rows.mm(&matrix.tr()).to_kind(Kind::Float)
    }

    /// Student vectors `[streams, m, K]` against distributions `[m, D]`: the sum of their cross-entropies times the
    /// part's share, and the gradient of the vectors. The gradient of the prototypes is added to what is there.
    fn cross_entropy(
        &mut self,
        rows: &Tensor,
        target: &Tensor,
        part: &Part,
    ) -> Result<(Tensor, Tensor), UdiError> {
        let logits = self.logits(rows, &self.student);
        let temperature = self.loss.student_temperature;
        let scale = part.weight * self.loss.loss_scale / temperature;
        let (value, gradient) = self
            .softmax
            .cross_entropy(logits, target, temperature, scale)?;
        let gradient = gradient.to_kind(self.loss.kind);
        let flat = rows.flatten(0, 1).to_kind(self.loss.kind);
        self.accumulate(&gradient.tr().mm(&flat));
        let of_rows = gradient.mm(&self.student).to_kind(Kind::Float);
        Ok((value * part.share, of_rows.view_as(rows)))
    }

    fn accumulate(&mut self, of_matrix: &Tensor) {
        let _ = self.gradient.matrix.g_add_(&of_matrix.to_kind(Kind::Float));
    }

    fn add(&mut self, term: Term, value: Option<Tensor>) {
        let terms = &mut self.gradient.terms;
        let zero = || Tensor::zeros([], (Kind::Float, self.vectors.device()));
        let place = match terms.iter().position(|(other, _)| *other == term) {
            Some(place) => place,
            None => {
                terms.push((term, zero()));
                terms.len() - 1
            }
        };
        if let Some(value) = value {
            let _ = terms[place].1.g_add_(&value);
        }
    }
}

impl Target {
    /// `[views, m, D]` -> `[m, D]`
    fn of(self, distributions: &Tensor) -> Tensor {
        match self {
            Self::View(view) => distributions.get(view),
            Self::Mean => distributions.mean_dim([0].as_slice(), false, Kind::Float),
        }
    }
}
