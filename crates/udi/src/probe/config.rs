//! What makes a probe, and the rows that it is given.

use tch::{Device, Kind, Tensor};

use crate::{
    batch::expect_length,
    error::{UdiError, expect},
};

/// Everything that makes a probe.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeConfig {
    /// Values of a row.
    pub row_width: i64,
    /// Number of classes.
    pub classes: i64,
    /// Share of the old step in the new one, in [0, 1).
    pub momentum: f64,
    /// Seeds the initial weights, which depend on it and on the columns alone.
    pub seed: u64,
    /// Where the classifiers live.
    pub device: Device,
    /// The classifiers.
    pub candidates: Vec<ProbeCandidate>,
}

/// One linear classifier: the columns of a row that it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeCandidate {
    /// The first of them.
    pub first_column: i64,
    /// Their number.
    pub columns: i64,
}

/// Rows of features and their classes.
#[derive(Debug, Clone, Copy)]
pub struct LabelledRows<'a> {
    /// `[labels.len(), row_width]`
    pub rows: &'a [f32],
    /// Each in [0, classes).
    pub labels: &'a [i32],
}

impl ProbeConfig {
    pub(super) fn check(&self) -> Result<(), UdiError> {
        let at_least = |least: i64| move || format!("at least {least}");
        expect(self.row_width > 0, "rowWidth", at_least(1), self.row_width)?;
        expect(self.classes > 1, "classes", at_least(2), self.classes)?;
        let fits = (0.0..1.0).contains(&self.momentum);
        let share = || "a share from 0, below 1".to_owned();
        expect(fits, "momentum", share, self.momentum)?;
        let none = self.candidates.is_empty();
        expect(!none, "candidates", || "at least one".to_owned(), "none")?;
        self.candidates
            .iter()
            .try_for_each(|candidate| self.check_columns(*candidate))
    }

    fn check_columns(&self, candidate: ProbeCandidate) -> Result<(), UdiError> {
        let ProbeCandidate {
            first_column,
            columns,
        } = candidate;
        let end = first_column.checked_add(columns);
        let inside =
            first_column >= 0 && columns > 0 && end.is_some_and(|end| end <= self.row_width);
        let expected = || format!("columns of a row of {}", self.row_width);
        let received = format!("{columns} from {first_column} on");
        expect(inside, "candidates", expected, received)
    }
}

impl LabelledRows<'_> {
    pub(super) fn check(&self, config: &ProbeConfig) -> Result<(), UdiError> {
        let count = self.labels.len() as i64;
        expect(
            count > 0,
            "labels.length",
            || "at least 1".to_owned(),
            count,
        )?;
        expect_length("rows", self.rows.len(), &[count, config.row_width])?;
        let known = 0..config.classes;
        let wrong = self
            .labels
            .iter()
            .find(|&&label| !known.contains(&label.into()));
        let range = || format!("classes from 0 to {}", config.classes - 1);
        expect(wrong.is_none(), "labels", range, wrong.unwrap_or(&0))
    }
}

/// A learning rate for each candidate.
pub(super) fn check_rates(rates: &[f64], candidates: usize) -> Result<(), UdiError> {
    let count = || format!("{candidates}, one for each candidate");
    let fits = rates.len() == candidates;
    expect(fits, "learningRates.length", count, rates.len())?;
    let wrong = rates
        .iter()
        .find(|rate| !(rate.is_finite() && **rate >= 0.0));
    let expected = || "finite numbers of at least 0".to_owned();
    expect(
        wrong.is_none(),
        "learningRates",
        expected,
        wrong.unwrap_or(&0.0),
    )
}

/// One value that is not finite would make every classifier useless.
pub(super) fn check_finite(rows: &Tensor) -> Result<(), UdiError> {
    let wrong = rows.isfinite().logical_not().any_dim(1, false);
    let count = wrong.sum(Kind::Int64).int64_value(&[]);
    let expected = || "finite values".to_owned();
    let received = format!("{count} rows with infinities or values that are no numbers");
    expect(count == 0, "rows", expected, received)
}
