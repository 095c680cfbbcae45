//! The weighted nearest-neighbour vote (spec/evaluation.md section 1).

use tch::{Device, Kind, Tensor, no_grad};

use crate::{
    batch::expect_length,
    error::{UdiError, expect},
    guard::guard,
};

/// Features with their labels; rows of norm 1.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'a> {
    /// `[labels.len(), width]`
    pub rows: &'a [f32],
    /// Class of each row, in [0, classes).
    pub labels: &'a [i32],
}

/// What votes on what, and how.
#[derive(Debug, Clone, Copy)]
pub struct NeighbourVote<'a> {
    /// Rows that vote.
    pub train: Labelled<'a>,
    /// Rows voted on; None: each train row, by all others (leave one out).
    pub test: Option<Labelled<'a>>,
    /// Values of a row.
    pub width: i64,
    /// Number of classes.
    pub classes: i64,
    /// Numbers of neighbours to report; larger than the rows that can vote: clamped.
    pub neighbours: &'a [i64],
    /// A neighbour of cosine s has the weight exp(s / temperature).
    pub temperature: f64,
    /// Where it computes.
    pub device: Device,
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

/// Rows of a block of similarities: so many test rows with so many train rows, 256 MiB.
const TEST_ROWS: i64 = 1 << 12;
const TRAIN_ROWS: i64 = 1 << 14;

/// Votes of test rows held at once.
const VOTE_VALUES: i64 = 1 << 24;

/// Classifies each test row by its nearest train rows.
///
/// Similarities are computed block by block, and each train row goes to the device once. What is held beside the
/// features themselves is a block and, for each test row, its neighbours so far.
pub fn neighbour_vote(vote: &NeighbourVote) -> Result<Vec<NeighbourScore>, UdiError> {
    vote.check()?;
    guard(|| no_grad(|| Ok(vote.scores())))
}

impl Labelled<'_> {
    fn count(&self) -> i64 {
        self.labels.len() as i64
    }

    fn check(&self, part: &str, width: i64, classes: i64) -> Result<(), UdiError> {
        let labels = format!("{part}Labels");
        let some = || "at least 1".to_owned();
        let count = self.count();
        expect(count > 0, &format!("{labels}.length"), some, count)?;
        expect_length(part, self.rows.len(), &[count, width])?;
        let outside = |label: &&i32| !(0..classes).contains(&i64::from(**label));
        let wrong = self.labels.iter().find(outside);
        let range = || format!("classes from 0 to {}", classes - 1);
        expect(wrong.is_none(), &labels, range, wrong.unwrap_or(&0))
    }

    /// Rows `first..first + count` on a device.
    fn part(&self, (first, count): (i64, i64), width: i64, device: Device) -> Part {
        let (from, to) = (first as usize, (first + count) as usize);
        let rows = &self.rows[from * width as usize..to * width as usize];
        let classes = Tensor::from_slice(&self.labels[from..to]).to_kind(Kind::Int64);
        Part {
            first,
            rows: Tensor::from_slice(rows)
                .view([count, width])
                .to_device(device),
            classes: classes.to_device(device),
        }
    }
}

/// Some rows of a table, on the device.
struct Part {
    /// Place of the first in the table.
    first: i64,
    /// `[count, width]`
    rows: Tensor,
    /// `[count]`
    classes: Tensor,
}

impl NeighbourVote<'_> {
    fn check(&self) -> Result<(), UdiError> {
        let counts = [
            ("width", self.width),
            ("classes", self.classes),
            ("neighbours.length", self.neighbours.len() as i64),
        ];
        for (field, value) in counts {
            expect(value > 0, field, || "at least 1".to_owned(), value)?;
        }
        self.train.check("train", self.width, self.classes)?;
        match self.test {
            Some(test) => test.check("test", self.width, self.classes)?,
            None => {
                let others = || "at least 2, since each is judged by the others".to_owned();
                let count = self.train.count();
                expect(count > 1, "trainLabels.length", others, count)?;
            }
        }
        for &count in self.neighbours {
            expect(count > 0, "neighbours", || "at least 1".to_owned(), count)?;
        }
        let fits = self.temperature.is_finite() && self.temperature > 0.0;
        let positive = || "a number above 0".to_owned();
        expect(fits, "temperature", positive, self.temperature)
    }

    fn scores(&self) -> Vec<NeighbourScore> {
        let asked = self.test.unwrap_or(self.train);
        let voters = self.train.count() - i64::from(self.test.is_none());
        let clamped: Vec<i64> = self.neighbours.iter().map(|&k| k.min(voters)).collect();
        let most = clamped.iter().copied().max().unwrap_or(1);
        let mut hits = vec![(0, 0); clamped.len()];
        for nearest in self.nearest(asked, most) {
            let rows = nearest.right.size()[0];
            let chunk = (VOTE_VALUES / self.classes).clamp(1, rows);
            for first in (0..rows).step_by(chunk as usize) {
                let voters = nearest.voters((first, chunk.min(rows - first)), self.temperature);
                for (hits, &k) in hits.iter_mut().zip(&clamped) {
                    let (top1, top5) = voters.hits(k, self.classes);
                    *hits = (hits.0 + top1, hits.1 + top5);
                }
            }
        }
        let share = |hits: i64| hits as f64 / asked.count() as f64;
        let score = |((top1, top5), &neighbours): ((i64, i64), &i64)| NeighbourScore {
            neighbours,
            top1: share(top1),
            top5: share(top5),
        };
        hits.into_iter().zip(self.neighbours).map(score).collect()
    }

    /// The `most` nearest train rows of each row asked for.
    fn nearest(&self, asked: Labelled, most: i64) -> Vec<Nearest> {
        let part = |range| asked.part(range, self.width, self.device);
        let mut found: Vec<Nearest> = ranges(asked.count(), TEST_ROWS)
            .map(|range| Nearest::none(part(range)))
            .collect();
        for range in ranges(self.train.count(), TRAIN_ROWS) {
            let train = self.train.part(range, self.width, self.device);
            for nearest in &mut found {
                nearest.meet(&train, most, self.test.is_none());
            }
        }
        found
    }
}

/// `(first, count)` of the parts of `total` rows.
fn ranges(total: i64, rows: i64) -> impl Iterator<Item = (i64, i64)> {
    let part = move |first| (first, rows.min(total - first));
    (0..total).step_by(rows as usize).map(part)
}

/// Test rows with the nearest of the train rows that they have met.
struct Nearest {
    /// Place of the first row.
    first: i64,
    /// `[rows, width]`
    rows: Tensor,
    /// Class of each row, `[rows]`.
    right: Tensor,
    /// `[rows, met]`, nearest first.
    similarity: Tensor,
    /// Classes of those, `[rows, met]`.
    classes: Tensor,
}

impl Nearest {
    fn none(
        Part {
            first,
            rows,
            classes,
        }: Part,
    ) -> Self {
        let (count, device) = (rows.size()[0], rows.device());
        Self {
            first,
            rows,
            right: classes,
            similarity: Tensor::empty([count, 0], (Kind::Float, device)),
            classes: Tensor::empty([count, 0], (Kind::Int64, device)),
        }
    }

    /// `same`: the train rows are the test rows, and none is its own neighbour.
    fn meet(&mut self, train: &Part, most: i64, same: bool) {
        let met = self.rows.matmul(&train.rows.tr());
        if same {
            self.hide_itself(&met, train);
        }
        let count = met.size()[1];
        let (similarity, index) = met.topk(most.min(count), 1, true, true);
        let similarity = Tensor::cat(&[&self.similarity, &similarity], 1);
        let classes = Tensor::cat(&[&self.classes, &train.classes.take(&index)], 1);
        let kept = most.min(similarity.size()[1]);
        let (similarity, index) = similarity.topk(kept, 1, true, true);
        self.classes = classes.gather(1, &index, false);
        self.similarity = similarity;
    }

    fn hide_itself(&self, met: &Tensor, train: &Part) {
        let size = met.size();
        let own = Tensor::arange(size[0], (Kind::Int64, met.device())) + (self.first - train.first);
        let inside = own.ge(0).logical_and(&own.lt(size[1]));
        let rows = inside.nonzero().flatten(0, -1);
        let columns = own.index_select(0, &rows);
        let lowest = Tensor::full([1], f64::NEG_INFINITY, (Kind::Float, met.device()));
        let mut met = met.shallow_clone();
        let _ = met.index_put_(&[Some(rows), Some(columns)], &lowest, false);
    }

    /// Of the rows `first..first + count`.
    fn voters(&self, (first, count): (i64, i64), temperature: f64) -> Voters {
        let similarity = self.similarity.narrow(0, first, count);
        // A row's weights may share any factor: this one keeps them from overflowing at a low temperature.
        let largest = similarity.narrow(1, 0, 1);
        Voters {
            weights: ((&similarity - largest) / temperature).exp(),
            classes: self.classes.narrow(0, first, count),
            right: self.right.narrow(0, first, count).unsqueeze(1),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows of norm 1 in two dimensions, at these angles.
    fn rows(angles: &[f32]) -> Vec<f32> {
        let row = |angle: &f32| [angle.cos(), angle.sin()];
        angles.iter().flat_map(row).collect()
    }

    fn vote<'a>(train: Labelled<'a>, test: Option<Labelled<'a>>) -> NeighbourVote<'a> {
        NeighbourVote {
            train,
            test,
            width: 2,
            classes: 3,
            neighbours: &[1, 3],
            temperature: 0.07,
            device: Device::Cpu,
        }
    }

    #[test]
    fn leaving_one_out_nobody_votes_for_itself() {
        let (rows, labels) = (rows(&[0.0, 0.1, 1.5, 1.6]), [0, 1, 2, 2]);
        let train = Labelled {
            rows: &rows,
            labels: &labels,
        };
        let scores = neighbour_vote(&vote(train, None)).unwrap();
        assert_eq!(scores[0].top1, 0.5);
        let with_itself = neighbour_vote(&vote(train, Some(train))).unwrap();
        assert_eq!(with_itself[0].top1, 1.0);
    }

    #[test]
    fn a_low_temperature_does_not_overflow() {
        let rows = rows(&[0.0, 0.001, 1.5, 1.6]);
        let train = Labelled {
            rows: &rows,
            labels: &[0, 0, 1, 1],
        };
        let cold = NeighbourVote {
            temperature: 1e-4,
            ..vote(train, None)
        };
        assert_eq!(neighbour_vote(&cold).unwrap()[1].top1, 1.0);
    }

    proptest! {
        #[test]
        fn blocks_find_the_same_neighbours_as_all_rows_at_once(
            (train, test) in (prop::collection::vec(-3.0f32..3.0, 1..40), prop::collection::vec(-3.0f32..3.0, 1..20)),
            block in 1..9i64,
            most in 1..9i64,
        ) {
            let (train_rows, test_rows) = (rows(&train), rows(&test));
            let (labels, right) = (vec![0; train.len()], vec![0; test.len()]);
            let train = Labelled { rows: &train_rows, labels: &labels };
            let test = Labelled { rows: &test_rows, labels: &right };
            let most = most.min(train.count());
            let part = |labelled: Labelled, range| labelled.part(range, 2, Device::Cpu);
            let mut met = Nearest::none(part(test, (0, test.count())));
            for range in ranges(train.count(), block) {
                met.meet(&part(train, range), most, false);
            }
            let mut whole = Nearest::none(part(test, (0, test.count())));
            whole.meet(&part(train, (0, train.count())), most, false);
            let distance = (met.similarity - whole.similarity).abs().max().double_value(&[]);
            prop_assert!(distance < 1e-6, "{distance}");
        }
    }
}
