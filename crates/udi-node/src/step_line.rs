//! Steps on their way: begun on the engine's thread, settled when their numbers have arrived.
//!
//! A device works on a step while the host begins the next, so that its queue does not run empty between the two. Each
//! caller gets the report of its own step, in the order of the calls.

use std::{collections::VecDeque, time::Instant};

use udi::{BegunStep, Learner};

use crate::{failure::Failure, guard::guarded, shapes::StepReport};

/// Steps that may be begun behind the one that is computed.
const AHEAD: usize = 1;

/// Takes the outcome of a step.
pub type Settle = Box<dyn FnOnce(Result<StepReport, Failure>) + Send>;

struct Underway {
    step: BegunStep,
    start: Instant,
    settle: Settle,
}

/// Steps begun and not settled, the oldest first.
#[derive(Default)]
pub struct StepLine {
    underway: VecDeque<Underway>,
    last_end: Option<Instant>,
}

impl StepLine {
    /// Begins a step; waits for earlier ones where too many are on their way.
    pub fn begin(
        &mut self,
        learner: &mut Learner,
        begin: impl FnOnce(&mut Learner) -> Result<BegunStep, Failure>,
        settle: Settle,
    ) {
        // The steps behind one that did not go well are made again, and keep their places.
        if learner.has_repeats() {
            self.end_all(learner);
        }
        let start = Instant::now();
        match guarded(|| begin(learner)) {
            Ok(step) => self.underway.push_back(Underway {
                step,
                start,
                settle,
            }),
            Err(failure) => {
                self.end_all(learner);
                settle(Err(failure));
            }
        }
        while self.underway.len() > AHEAD {
            self.end_oldest(learner);
        }
    }

    /// Settles what has arrived; whether anything is left.
    pub fn end_ready(&mut self, learner: &mut Learner) -> bool {
        while self.underway.front().is_some_and(has_arrived) {
            self.end_oldest(learner);
        }
        !self.underway.is_empty()
    }

    /// Waits for all steps.
    pub fn end_all(&mut self, learner: &mut Learner) {
        while !self.underway.is_empty() {
            self.end_oldest(learner);
        }
    }

    fn end_oldest(&mut self, learner: &mut Learner) {
        let Some(oldest) = self.underway.pop_front() else {
            return;
        };
        let report = guarded(|| Ok(learner.finish(oldest.step)?));
        let end = Instant::now();
        // A device begins a step when the one before it has ended.
        let start = self
            .last_end
            .map_or(oldest.start, |last| last.max(oldest.start));
        self.last_end = Some(end);
        let seconds = end.duration_since(start).as_secs_f64();
        (oldest.settle)(report.map(|report| StepReport::new(report, seconds)));
    }
}

/// An error has arrived too: finishing the step says what it is.
fn has_arrived(underway: &Underway) -> bool {
    underway.step.is_ready().unwrap_or(true)
}
