//! Where the time of a step goes, for whoever asks.

use std::{cell::RefCell, time::Instant};

use tch::{Cuda, Device};

/// A part of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Views to the device, normalised.
    Transfer,
    /// The teacher's backbone.
    TeacherBackbone,
    /// The student's backbone, forward.
    StudentBackbone,
    /// Sampling attention of both networks, forward.
    Sampling,
    /// Projection heads of both networks, forward.
    Head,
    /// Prototypes and loss, forward and backward.
    Prototypes,
    /// Backward through head, sampling and backbone.
    Backward,
    /// Gradient norms, update of the student, and the teacher that follows it.
    Optimizer,
    /// Moving averages of the centres.
    Centers,
}

impl Phase {
    /// All phases, in the order of a step.
    pub const ALL: [Self; 9] = [
        Self::Transfer,
        Self::TeacherBackbone,
        Self::StudentBackbone,
        Self::Sampling,
        Self::Head,
        Self::Prototypes,
        Self::Backward,
        Self::Optimizer,
        Self::Centers,
    ];

    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::TeacherBackbone => "teacherBackbone",
            Self::StudentBackbone => "studentBackbone",
            Self::Sampling => "sampling",
            Self::Head => "head",
            Self::Prototypes => "prototypes",
            Self::Backward => "backward",
            Self::Optimizer => "optimizer",
            Self::Centers => "centers",
        }
    }
}

/// Adds up the seconds of each phase. One that is off measures nothing and costs nothing; one that is on makes a GPU
/// finish every phase before the next begins.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    device: Device,
    seconds: Option<RefCell<[f64; Phase::ALL.len()]>>,
}

impl Stopwatch {
    pub fn off(device: Device) -> Self {
        Self {
            device,
            seconds: None,
        }
    }

    pub fn on(device: Device) -> Self {
        Self {
            device,
            seconds: Some(RefCell::default()),
        }
    }

    /// Does the work, and counts its time under this phase.
    pub fn time<T>(&self, phase: Phase, work: impl FnOnce() -> T) -> T {
        let Some(seconds) = &self.seconds else {
            return work();
        };
        self.finish();
        let start = Instant::now();
        let result = work();
        self.finish();
        seconds.borrow_mut()[phase as usize] += start.elapsed().as_secs_f64();
        result
    }

    /// Seconds by phase; empty where nothing was measured.
    pub fn seconds(&self) -> Vec<(&'static str, f64)> {
        let Some(seconds) = &self.seconds else {
            return Vec::new();
        };
        let names = Phase::ALL.map(Phase::name);
        names.into_iter().zip(*seconds.borrow()).collect()
    }

    fn finish(&self) {
        if let Device::Cuda(index) = self.device {
            Cuda::synchronize(index as i64);
        }
    }
}
