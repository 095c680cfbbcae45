//! Writes an engine's state beside its steps.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Builder, JoinHandle},
    time::{Duration, Instant},
};

use rustix::{
    process::setpriority_process,
    thread::gettid,
    time::{ClockId, clock_gettime},
};
use udi::{Learner, Snapshot};

use crate::{
    failure::{Code, Failure},
    guard::guarded,
    reply::Reply,
    shapes::SavedState,
    thread::Busy,
};

/// Behind the threads of a step, which wait for each other: one that shares its core with the writer holds up them all.
const NICENESS: i32 = 19;

/// Seconds of rest for each second of the writer's work while a step computes on all cores.
const REST: u32 = 24;

/// The memory that a state is copied into, and the thread that writes it from there. There is one copy at a time.
pub struct StateWriter {
    idle: Snapshot,
    /// Gives the memory back.
    writing: Option<JoinHandle<Snapshot>>,
    pace: Pace,
}

impl StateWriter {
    /// `busy`: whether the engine computes.
    pub fn new(busy: Busy) -> Self {
        Self {
            idle: Snapshot::default(),
            writing: None,
            pace: Pace {
                busy,
                hurried: Arc::default(),
                cores_are_free: cores_are_free(),
            },
        }
    }

    /// Copies the state on this thread; `reply` is settled when it is written. Waits for an earlier one that is not.
    pub fn save(&mut self, learner: &Learner, file: String, reply: Reply<SavedState>) {
        self.wait();
        let start = Instant::now();
        if let Err(failure) = guarded(|| Ok(learner.snapshot(&mut self.idle)?)) {
            return reply.settle(Err(failure));
        }
        let copy_seconds = start.elapsed().as_secs_f64();
        let snapshot = std::mem::take(&mut self.idle);
        let pace = self.pace.clone();
        let work = move || {
            // Where it is refused, the writer is only less polite.
            let _ = setpriority_process(Some(gettid()), NICENESS);
            reply.settle(guarded(|| write(&snapshot, &file, copy_seconds, &pace)));
            snapshot
        };
        // A thread that cannot be started drops the reply, which rejects.
        let thread = Builder::new().name("udi-writer".to_owned());
        self.writing = thread.spawn(work).ok();
    }

    fn wait(&mut self) {
        self.pace.hurried.store(true, Ordering::Relaxed);
        if let Some(Ok(snapshot)) = self.writing.take().map(JoinHandle::join) {
            self.idle = snapshot;
        }
        self.pace.hurried.store(false, Ordering::Relaxed);
    }
}

/// A file that is being written is finished before the engine is gone.
impl Drop for StateWriter {
    fn drop(&mut self) {
        self.wait();
    }
}

fn write(
    snapshot: &Snapshot,
    file: &str,
    copy_seconds: f64,
    pace: &Pace,
) -> Result<SavedState, Failure> {
    let mut worked = thread_time();
    let mut rest = || {
        let now = thread_time();
        pace.rest(now.saturating_sub(worked) * REST);
        worked = now;
    };
    let written = snapshot.write(Path::new(file), &mut rest)?;
    let bytes = i64::try_from(written.bytes)
        .map_err(|error| Failure::new(Code::Native, format!("{file}: {error}")))?;
    Ok(SavedState {
        sha256: written.sha256,
        bytes,
        copy_seconds,
    })
}

/// When the writer may work as fast as it can: while nobody computes, or where it is waited for, or has a core of its own.
#[derive(Clone)]
struct Pace {
    busy: Busy,
    hurried: Arc<AtomicBool>,
    cores_are_free: bool,
}

impl Pace {
    fn is_free(&self) -> bool {
        self.cores_are_free || !self.busy.now() || self.hurried.load(Ordering::Relaxed)
    }

    /// Sleeps for so long, or until there is no need to.
    fn rest(&self, length: Duration) {
        let end = Instant::now() + length;
        while !self.is_free() && Instant::now() < end {
            thread::sleep(MOMENT.min(end.saturating_duration_since(Instant::now())));
        }
    }
}

/// How soon a resting writer notices that it is waited for.
const MOMENT: Duration = Duration::from_millis(20);

fn cores_are_free() -> bool {
    let threads = usize::try_from(tch::get_num_threads()).unwrap_or(usize::MAX);
    thread::available_parallelism().is_ok_and(|cores| threads < cores.get())
}

/// Processor time of this thread.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_nsec.unsigned_abs() as u32,
    )
}
