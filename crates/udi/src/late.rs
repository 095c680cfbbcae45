//! Steps whose numbers are read late: while a device works on a step, the host may begin the next.
//!
//! What is begun takes for granted that all before it goes well. Whether it does is decided on the device, where a step
//! that does not changes what it must not change back and halts those behind it: they change nothing, and are made again
//! once the host has read why. So the steps are the same as if each had been read before the next was begun.

use tch::{Device, Tensor};
use torch_ext::LateCopy;

use crate::{
    batch::MultiCropBatch,
    config::ScheduleValues,
    error::{UdiError, expect},
    guard::guard,
    learner::{Learner, StepReport},
    measured::{Layout, Measured, Numbers},
    optim::{LossScale, Veto},
};

/// When the host reads the numbers of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// In the middle of the step: the host decides what the step changes. For a CPU, which waits for nothing.
    AtOnce,
    /// After the step, perhaps after the next has begun: the device decides. For a GPU, whose queue never runs empty then.
    Late,
}

impl Reading {
    pub(crate) fn of(device: Device) -> Self {
        match device {
            Device::Cpu => Self::AtOnce,
            _ => Self::Late,
        }
    }
}

/// A step that was begun. It must be finished: see [`Learner::finish`].
#[derive(Debug)]
#[must_use]
pub struct BegunStep {
    pub(crate) batch: MultiCropBatch,
    pub(crate) at: ScheduleValues,
    pub(crate) made: Made,
}

impl BegunStep {
    /// Whether [`Learner::finish`] would not have to wait.
    pub fn is_ready(&self) -> Result<bool, UdiError> {
        match &self.made {
            Made::Read(_) => Ok(true),
            Made::Unread(step) => Ok(step.numbers.is_ready()?),
        }
    }
}

/// A step whose work has been given to the device.
#[derive(Debug)]
pub(crate) enum Made {
    Read(StepReport),
    Unread(Box<UnreadStep>),
}

/// What is needed to read a step, and to go on if it did not go well.
#[derive(Debug)]
pub(crate) struct UnreadStep {
    numbers: LateCopy,
    layout: Layout,
    /// Its report but for the numbers that are still to be read.
    report: StepReport,
    crops: i64,
    before: Counts,
    place: Place,
}

/// What the host counts, all of it taken for granted until a step is read.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    steps: i64,
    loss_scale: LossScale,
    updates: Vec<i64>,
}

/// Which of the steps begun since the last that did not go well, and since which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    era: u64,
    number: u64,
}

/// Steps that were begun and are not finished.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub reading: Reading,
    /// On the device: whether a step did not go well that the host has not read.
    pub halted: Tensor,
    /// Steps read so far that did not go well.
    era: u64,
    /// Of this era.
    begun: u64,
    finished: u64,
    /// Begun in vain and not made again yet.
    pub repeats: u64,
}

impl Unfinished {
    pub fn none(device: Device) -> Self {
        Self {
            reading: Reading::of(device),
            halted: Veto::none(device),
            era: 0,
            begun: 0,
            finished: 0,
            repeats: 0,
        }
    }

    /// Refuses what needs to know how the steps went that were begun.
    pub fn refuse(&self) -> Result<(), UdiError> {
        let open = self.begun - self.finished + self.repeats;
        let none = || "no step that was begun and is not finished".to_owned();
        expect(open == 0, "learner", none, open)
    }

    /// Refuses a step that would overtake those that are made again.
    pub fn refuse_repeats(&self) -> Result<(), UdiError> {
        let none = || "no step that has to be made again".to_owned();
        expect(self.repeats == 0, "learner", none, self.repeats)
    }

    /// What the device forbids a step with these numbers, and those behind it.
    pub fn judge(&mut self, measured: &Measured, gradients_may_overflow: bool) -> Veto {
        let veto = measured.veto(&self.halted, gradients_may_overflow);
        self.halted = veto.student.shallow_clone();
        veto
    }

    fn next(&mut self) -> Place {
        self.begun += 1;
        Place {
            era: self.era,
            number: self.begun,
        }
    }

    /// Makes all that is begun and not finished in vain.
    fn restart(&mut self) {
        self.halted = self.halted.zeros_like();
        self.era += 1;
        self.repeats = self.begun - self.finished;
        (self.begun, self.finished) = (0, 0);
    }
}

impl Learner {
    /// Sends the numbers of a step on their way, to be read later.
    pub(crate) fn leave_unread(
        &mut self,
        measured: &Measured,
        (report, crops): (StepReport, i64),
        before: Counts,
    ) -> Result<Made, UdiError> {
        Ok(Made::Unread(Box::new(UnreadStep {
            numbers: LateCopy::of(measured.values())?,
            layout: measured.layout.clone(),
            report,
            crops,
            before,
            place: self.unfinished.next(),
        })))
    }

    /// The report of a step, the oldest that is not finished, or None where it was begun in vain.
    pub(crate) fn reported(&mut self, made: Made) -> Result<Option<StepReport>, UdiError> {
        match made {
            Made::Read(report) => Ok(Some(report)),
            Made::Unread(step) => guard(|| self.read(*step)),
        }
    }

    /// Makes a step that was begun in vain.
    pub(crate) fn repeat(
        &mut self,
        batch: &MultiCropBatch,
        at: &ScheduleValues,
    ) -> Result<StepReport, UdiError> {
        let repeats = self.unfinished.repeats.saturating_sub(1);
        self.unfinished.repeats = 0;
        let outcome = self.step(batch, at);
        self.unfinished.repeats = repeats;
        outcome
    }

    fn read(&mut self, step: UnreadStep) -> Result<Option<StepReport>, UdiError> {
        if step.place.era != self.unfinished.era {
            return Ok(None);
        }
        let (place, oldest) = (step.place.number, self.unfinished.finished + 1);
        let first = || format!("the oldest that was begun, number {oldest}");
        expect(place == oldest, "step", first, place)?;
        let numbers = Numbers::read(&step.numbers.wait()?, &step.layout)?;
        self.unfinished.finished += 1;
        let report = self.report(step.report, &numbers, step.crops);
        let outcome = self.require_finite(&numbers, report.step);
        if outcome.is_err() || report.skipped {
            self.count_again(step.before);
            self.unfinished.restart();
        }
        outcome?;
        if report.skipped {
            self.steps += 1;
            self.loss_scale.adapt(true);
        }
        Ok(Some(report))
    }

    pub(crate) fn counts(&self) -> Counts {
        let slots = self.optimizer.slots().iter();
        let updates = slots.map(|slot| slot.as_ref().map_or(0, |slot| slot.steps));
        Counts {
            steps: self.steps,
            loss_scale: self.loss_scale,
            updates: updates.collect(),
        }
    }

    fn count_again(&mut self, counts: Counts) {
        let slots = self.optimizer.slots_mut().iter_mut();
        for (slot, updates) in slots.zip(counts.updates) {
            if let Some(slot) = slot {
                slot.steps = updates;
            }
        }
        self.steps = counts.steps;
        self.loss_scale = counts.loss_scale;
    }
}
