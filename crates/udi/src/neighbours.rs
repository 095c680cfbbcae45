//! The weighted nearest-neighbour vote (spec/evaluation.md section 1).

use tch::{Kind, Tensor, no_grad};

use crate::{
    batch::expect_length,
    error::{UdiError, expect},
    guard::guard,
};

/// Labelled features; rows of norm 1.
#[derive(Debug, Clone, Copy)]
pub struct NeighbourVote<'a> {
    /// `[train_labels.len(), width]`
    pub train: &'a [f32],
    /// Class of each train row, in [0, classes).
    pub train_labels: &'a [i32],
    /// `[test_labels.len(), width]`
    pub test: &'a [f32],
    /// Class of each test row, in [0, classes).
    pub test_labels: &'a [i32],
    /// Values of a row.
    pub width: i64,
    /// Number of classes.
    pub classes: i64,
    /// Numbers of neighbours to report; larger than the train set: clamped.
    pub neighbours: &'a [i64],
    /// A neighbour of cosine s has the weight exp(s / temperature).
    pub temperature: f64,
}

/// Accuracy with one number of neighbours, as shares in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NeighbourScore {
    /// Neighbours that vote.
    pub neighbours: i64,
    /// The class with most weight is right.
    pub top1: f64,
    /// One of the five (with fewer neighbours: of as many as vote) classes with most weight is right.
    pub top5: f64,
}

/// Values of test rows held at once: similarities to all train rows, or votes for all classes.
const CHUNK_VALUES: i64 = 1 << 24;

/// Classifies each test row by its nearest train rows.
pub fn neighbour_vote(vote: &NeighbourVote) -> Result<Vec<NeighbourScore>, UdiError> {
    vote.check()?;
    guard(|| no_grad(|| vote.scores()))
}

impl NeighbourVote<'_> {
    fn check(&self) -> Result<(), UdiError> {
        let counts = [
            ("width", self.width),
            ("classes", self.classes),
            ("trainLabels.length", self.train_labels.len() as i64),
            ("testLabels.length", self.test_labels.len() as i64),
            ("neighbours.length", self.neighbours.len() as i64),
        ];
        for (field, value) in counts {
            expect(value > 0, field, || "at least 1".to_owned(), value)?;
        }
        let rows = |labels: &[i32]| [labels.len() as i64, self.width];
        expect_length("train", self.train.len(), &rows(self.train_labels))?;
        expect_length("test", self.test.len(), &rows(self.test_labels))?;
        for (field, labels) in [
            ("trainLabels", self.train_labels),
            ("testLabels", self.test_labels),
        ] {
            let wrong = labels
                .iter()
                .find(|&&label| !(0..self.classes).contains(&label.into()));
            let range = || format!("classes from 0 to {}", self.classes - 1);
            expect(wrong.is_none(), field, range, wrong.unwrap_or(&0))?;
        }
        for &count in self.neighbours {
            expect(count > 0, "neighbours", || "at least 1".to_owned(), count)?;
        }
        let fits = self.temperature.is_finite() && self.temperature > 0.0;
        let positive = || "a number above 0".to_owned();
        expect(fits, "temperature", positive, self.temperature)
    }

    fn scores(&self) -> Result<Vec<NeighbourScore>, UdiError> {
        let train_rows = self.train_labels.len() as i64;
        let test_rows = self.test_labels.len() as i64;
        let train = Tensor::from_slice(self.train).view([train_rows, self.width]);
        let test = Tensor::from_slice(self.test).view([test_rows, self.width]);
        let labels = |labels| Tensor::from_slice(labels).to_kind(Kind::Int64);
        let (train_labels, test_labels) = (labels(self.train_labels), labels(self.test_labels));
        let clamped: Vec<i64> = self.neighbours.iter().map(|&k| k.min(train_rows)).collect();
        let most = clamped.iter().copied().max().unwrap_or(1);
        let mut hits = vec![(0, 0); clamped.len()];
        let chunk = (CHUNK_VALUES / train_rows.max(self.classes)).max(1);
        for start in (0..test_rows).step_by(chunk as usize) {
            let count = chunk.min(test_rows - start);
            let similarity = test.narrow(0, start, count).matmul(&train.tr());
            let (similarity, nearest) = similarity.topk(most, 1, true, true);
            let voters = Voters {
                weights: (similarity / self.temperature).exp(),
                classes: train_labels.take(&nearest),
                right: test_labels.narrow(0, start, count).unsqueeze(1),
            };
            for (hits, &k) in hits.iter_mut().zip(&clamped) {
                let (top1, top5) = voters.hits(k, self.classes);
                *hits = (hits.0 + top1, hits.1 + top5);
            }
        }
        let share = |hits: i64| hits as f64 / test_rows as f64;
        let score = |((top1, top5), &neighbours): ((i64, i64), &i64)| NeighbourScore {
            neighbours,
            top1: share(top1),
            top5: share(top5),
        };
        Ok(hits.into_iter().zip(self.neighbours).map(score).collect())
    }
}

/// Nearest train rows of some test rows.
struct Voters {
    /// `[rows, most]`, nearest first.
    weights: Tensor,
    /// `[rows, most]`
    classes: Tensor,
    /// `[rows, 1]`
    right: Tensor,
}

impl Voters {
    /// Rows whose class is first, and among the first five, when the `k` nearest vote.
    fn hits(&self, k: i64, classes: i64) -> (i64, i64) {
        let rows = self.right.size()[0];
        let mut votes = Tensor::zeros([rows, classes], (Kind::Float, self.right.device()));
        let _ = votes.scatter_add_(
            1,
            &self.classes.narrow(1, 0, k),
            &self.weights.narrow(1, 0, k),
        );
        let (_, ranked) = votes.sort_stable(true, 1, true);
        let among = |ranks: i64| {
            let found = ranked.narrow(1, 0, ranks).eq_tensor(&self.right);
            found.sum(Kind::Int64).int64_value(&[])
        };
        (among(1), among(k.min(5).min(classes)))
    }
}
