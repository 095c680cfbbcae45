//! Cross-entropy over prototypes with its gradient by hand: logits, softmax and gradient of a few rows at a time.
//!
//! Nothing of shape `[rows, D]` outlives its chunk: what is kept is the gradient of the bottleneck vectors
//! `[rows, K]` and of the prototypes `[D, K]`. For one student row with logits z, target t and weight w
//! the loss is `w (logsumexp(z) - t·z)` and its gradient `w (softmax(z) - t)`.

use tch::{Device, Kind, Tensor};
use torch_ext::empty_large;

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

/// Numbers of the objective at one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrototypeLoss {
    pub student_temperature: f64,
    pub teacher_temperature: f64,
    /// Kind of the operands of matrix products.
    pub kind: Kind,
    /// The gradient, not the loss, is multiplied by it.
    pub loss_scale: f64,
    /// What the logits of a chunk may take, in bytes.
    pub chunk_bytes: i64,
    /// What the means of the terms are taken over.
    pub whole: Whole,
}

/// Counts of a step's whole batch, of which a prediction may be a part: losses of parts then add up to that of the whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole {
    /// Images B.
    pub images: i64,
    /// Valid samples V of the patch level.
    pub patches: i64,
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
struct Comparison {
    level: Level,
    /// `[views, M, K]`
    teacher: Tensor,
    parts: Vec<Part>,
}

/// Some of a comparison's targets, `start..start + count` of its M.
struct Block<'a> {
    comparison: &'a Comparison,
    start: i64,
    count: i64,
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
        let levels = centers.levels().len();
        let comparisons = comparisons(&prediction.rows, self.whole, targets, levels);
        let mut pass = Pass {
            loss: self,
            is_first: true,
            softmax: SoftmaxPass::on(student.device(), self.kind),
            centers,
            student: in_kind(student, self.kind),
            teacher: in_kind(teacher, self.kind),
            vectors: prediction.vectors.detach(),
            gradient: Loss {
                terms: zero_terms(&comparisons, student.device()),
                vectors: prediction.vectors.detach().zeros_like(),
                matrix: empty_large(&student.size(), Kind::Float, student.device()),
            },
        };
        let rows = self.chunk_bytes / (4 * student.size()[0]);
        for chunk in chunks(&comparisons, rows) {
            pass.compare(&chunk)?;
        }
        Ok(pass.gradient)
    }
}

/// Cuts comparisons into blocks and joins blocks up to this many rows of student and teacher logits: the fewer chunks,
/// the fewer passes over the prototypes.
fn chunks(comparisons: &[Comparison], rows: i64) -> Vec<Vec<Block<'_>>> {
    let mut chunks = vec![Vec::new()];
    let mut room = rows;
    for comparison in comparisons {
        let (targets, each) = (comparison.targets(), comparison.rows_of_target());
        let mut start = 0;
        while start < targets {
            let is_empty = chunks.last().is_none_or(Vec::is_empty);
            if room < each && !is_empty {
                chunks.push(Vec::new());
                room = rows;
                continue;
            }
            let count = (room / each).clamp(1, targets - start);
            let block = Block {
                comparison,
                start,
                count,
            };
            if let Some(chunk) = chunks.last_mut() {
                chunk.push(block);
            }
            start += count;
            room -= count * each;
        }
    }
    chunks
}

/// All comparisons of a step. A level's loss is the mean of its terms, weighted by the number of views: 2 global, 2 L local.
fn comparisons(
    rows: &StudentRows,
    whole: Whole,
    targets: &Targets,
    levels: usize,
) -> Vec<Comparison> {
    let (images, crops) = (rows.images, rows.crops);
    let level = 1.0 / levels as f64;
    let per_view = level / (1 + crops) as f64;
    let globals = |token, term| {
        [0, 1].map(|view| Part {
            term,
            first: rows.globals(token) + view * images,
            streams: 1,
            target: Target::View(view),
            weight: per_view / (2 * whole.images) as f64,
            share: 1.0 / (2 * whole.images) as f64,
        })
    };
    let locals = |token, term, streams| Part {
        term,
        first: rows.locals(token),
        streams,
        target: Target::Mean,
        weight: per_view / whole.images as f64,
        share: 1.0 / (crops * whole.images) as f64,
    };
    let mut class = Comparison {
        level: Level::Cls,
        teacher: targets.class.shallow_clone(),
        parts: globals(0, Term::GlobalCls).into(),
    };
    if crops > 0 {
        class.parts.push(locals(0, Term::LocalCls, crops));
    }
    let mut all = vec![class];
    if let Some(plus) = &targets.plus {
        all.push(Comparison {
            level: Level::ClsPlus,
            teacher: plus.globals.shallow_clone(),
            parts: globals(1, Term::GlobalClsPlus).into(),
        });
        if crops > 0 {
            all.push(Comparison {
                level: Level::ClsPlus,
                teacher: plus.locals.shallow_clone(),
                parts: vec![locals(1, Term::LocalClsPlus, 1)],
            });
        }
    }
    if let Some(patches) = &targets.patches {
        // A batch without a valid sample gives a term of 0, not of 0/0.
        let valid = whole.patches.max(1) as f64;
        all.push(Comparison {
            level: Level::Patch,
            teacher: patches.unsqueeze(0),
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

/// A matrix of prototypes as an operand of products.
fn in_kind(matrix: &Tensor, kind: Kind) -> Tensor {
    if matrix.kind() == kind {
        return matrix.shallow_clone();
    }
    let mut converted = empty_large(&matrix.size(), kind, matrix.device());
    converted.copy_(matrix);
    converted
}

/// A zero for every term of the comparisons.
fn zero_terms(comparisons: &[Comparison], device: Device) -> Vec<(Term, Tensor)> {
    let mut terms: Vec<(Term, Tensor)> = Vec::new();
    for part in comparisons.iter().flat_map(|comparison| &comparison.parts) {
        if terms.iter().all(|(term, _)| *term != part.term) {
            terms.push((part.term, Tensor::zeros([], (Kind::Float, device))));
        }
    }
    terms
}

impl Comparison {
    /// Targets M.
    fn targets(&self) -> i64 {
        self.teacher.size()[1]
    }

    /// Rows of logits that one target takes: its views, and the student rows that it serves.
    fn rows_of_target(&self) -> i64 {
        let streams: i64 = self.parts.iter().map(|part| part.streams).sum();
        self.teacher.size()[0] + streams
    }
}

impl Block<'_> {
    /// Its target vectors, `[views count, K]`.
    fn teacher(&self) -> Tensor {
        let teacher = self.comparison.teacher.narrow(1, self.start, self.count);
        teacher.flatten(0, 1)
    }

    /// Its rows of one part in a matrix of all student rows, `[streams, count, K]`.
    fn rows(&self, part: &Part, all: &Tensor) -> Tensor {
        let targets = self.comparison.targets();
        all.narrow(0, part.first, part.streams * targets)
            .view([part.streams, targets, -1])
            .narrow(1, self.start, self.count)
    }
}

struct Pass<'a> {
    loss: &'a PrototypeLoss,
    /// Nothing has been added to the gradient of the prototypes yet.
    is_first: bool,
    softmax: SoftmaxPass,
    centers: &'a Centers,
    student: Tensor,
    teacher: Tensor,
    vectors: Tensor,
    gradient: Loss,
}

impl Pass<'_> {
    /// One chunk: four matrix products, whatever the number of its blocks.
    fn compare(&mut self, chunk: &[Block]) -> Result<(), UdiError> {
        let distributions = self.distributions(chunk)?;
        let parts: Vec<(&Block, &Part, &Tensor)> = chunk
            .iter()
            .zip(&distributions)
            .flat_map(|(block, targets)| {
                let parts = block.comparison.parts.iter();
                parts.map(move |part| (block, part, targets))
            })
            .collect();
        let rows: Vec<Tensor> = parts
            .iter()
            .map(|(block, part, _)| block.rows(part, &self.vectors).flatten(0, 1))
            .collect();
        let counts = lengths(&rows);
        let rows = Tensor::cat(&rows, 0).to_kind(self.loss.kind);
        let logits = self.logits(&rows, &self.student);
        let slices = logits.split_with_sizes(&counts, 0);
        for ((_, part, targets), slice) in parts.iter().zip(slices) {
            self.cross_entropy(slice, &part.target.views(targets), part)?;
        }
        self.add_to_matrix(&logits, &rows);
        let of_rows = logits.mm(&self.student).to_kind(Kind::Float);
        let slices = of_rows.split_with_sizes(&counts, 0);
        for ((block, part, _), slice) in parts.iter().zip(slices) {
            let mut rows = block.rows(part, &self.gradient.vectors);
            rows.copy_(&slice.view_as(&rows));
        }
        Ok(())
    }

    /// The teacher's distributions of each block, `[views, count, D]`.
    fn distributions(&self, chunk: &[Block]) -> Result<Vec<Tensor>, UdiError> {
        let rows: Vec<Tensor> = chunk.iter().map(Block::teacher).collect();
        let counts = lengths(&rows);
        let rows = Tensor::cat(&rows, 0).to_kind(self.loss.kind);
        let slices = self
            .logits(&rows, &self.teacher)
            .split_with_sizes(&counts, 0);
        let of_block = |(block, slice): (&Block, Tensor)| {
            let center = self.centers.of(block.comparison.level);
            let temperature = self.loss.teacher_temperature;
            let targets = self.softmax.distributions(&slice, &center, temperature)?;
            let views = block.comparison.teacher.size()[0];
            Ok(targets.view([views, block.count, targets.size()[1]]))
        };
        chunk.iter().zip(slices).map(of_block).collect()
    }

    /// `[rows, K]` -> `[rows, D]`
    fn logits(&self, rows: &Tensor, matrix: &Tensor) -> Tensor {
        let size = [rows.size()[0], matrix.size()[0]];
        let logits = empty_large(&size, self.loss.kind, rows.device());
        rows.mm_out(&logits, &matrix.tr())
    }

    /// Logits `[streams count, D]` of a part against the mean of views `[count, D]`: they become the gradient of the logits, their
    /// cross-entropies are added to the part's term.
    fn cross_entropy(
        &mut self,
        logits: Tensor,
        views: &[Tensor],
        part: &Part,
    ) -> Result<(), UdiError> {
        let temperature = self.loss.student_temperature;
        let scale = part.weight * self.loss.loss_scale / temperature;
        let value = self
            .softmax
            .cross_entropy(&logits, views, temperature, scale)?;
        let terms = self.gradient.terms.iter_mut();
        for (_, sum) in terms.filter(|(term, _)| *term == part.term) {
            let _ = sum.g_add_(&(&value * part.share));
        }
        Ok(())
    }

    /// Adds gradientᵀ rows to the gradient of the prototypes, in fp32.
    fn add_to_matrix(&mut self, gradient: &Tensor, rows: &Tensor) {
        let is_first = std::mem::replace(&mut self.is_first, false);
        let (matrix, turned) = (&mut self.gradient.matrix, gradient.tr());
        if self.loss.kind == Kind::Float {
            let _ = match is_first {
                true => turned.mm_out(matrix, rows),
                false => matrix.addmm_(&turned, rows),
            };
            return;
        }
        let product = empty_large(&matrix.size(), self.loss.kind, matrix.device());
        let product = turned.mm_out(&product, rows);
        match is_first {
            true => matrix.copy_(&product),
            false => drop(matrix.g_add_(&product)),
        }
    }
}

/// Rows of each matrix.
fn lengths(matrices: &[Tensor]) -> Vec<i64> {
    matrices.iter().map(|matrix| matrix.size()[0]).collect()
}

impl Target {
    /// Those whose mean is the target: `[views, m, D]` -> `[m, D]` each.
    fn views(self, distributions: &Tensor) -> Vec<Tensor> {
        match self {
            Self::View(view) => vec![distributions.get(view)],
            Self::Mean => distributions.unbind(0),
        }
    }
}
