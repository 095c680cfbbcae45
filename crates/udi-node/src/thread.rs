//! A native thread that owns a state, fed by a channel.
//!
//! libtorch keeps its thread pool and autograd state by thread, so every call of a learner runs on the
//! one thread that owns it. The state is made, used and dropped there.

use std::{
    cell::{Cell, RefCell},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use napi::{
    Env,
    bindgen_prelude::{PromiseRaw, ToNapiValue},
};
use napi_derive::napi;

use crate::{failure::Failure, guard::guarded, reply::Reply};

/// Work on the state.
pub type Job<S> = Box<dyn FnOnce(&mut S) + Send>;
type Done = Box<dyn FnOnce() + Send>;

enum Message<S> {
    /// Done when nothing is under way.
    Work(Job<S>),
    /// Done while the work before it may be under way.
    Overlapping(Job<S>),
    /// Drop the state, then say so.
    Close(Done),
}

/// A state on which work may be left under way, on a device, when its job is done.
pub trait Underway {
    /// Ends what can be ended without waiting; whether anything is left.
    fn end_ready(&mut self) -> bool {
        false
    }

    /// Waits for all that is under way.
    fn end_all(&mut self) {}
}

/// How soon the thread notices that work under way is done.
const MOMENT: Duration = Duration::from_micros(200);

struct Line<S> {
    /// None: closed.
    sender: Mutex<Option<Sender<Message<S>>>>,
    abandoned: AtomicBool,
    busy: Busy,
}

/// Whether a native thread works on something just now.
#[derive(Clone, Default)]
pub struct Busy(Arc<AtomicBool>);

impl Busy {
    /// As of now.
    pub fn now(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn during(&self, work: impl FnOnce()) {
        self.0.store(true, Ordering::Relaxed);
        work();
        self.0.store(false, Ordering::Relaxed);
    }
}

impl<S> Line<S> {
    fn sender(&self) -> MutexGuard<'_, Option<Sender<Message<S>>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of the channel that JavaScript's thread holds. Dropping it lets the thread end when its
/// queue is empty.
pub struct Handle<S>(Arc<Line<S>>);

/// The end of the channel that the native thread holds.
pub struct Inbox<S> {
    messages: Receiver<Message<S>>,
    line: Arc<Line<S>>,
}

/// Both ends of a channel.
pub fn line<S>() -> (Handle<S>, Inbox<S>) {
    let (sender, messages) = channel();
    let line = Arc::new(Line {
        sender: Mutex::new(Some(sender)),
        abandoned: AtomicBool::new(false),
        busy: Busy::default(),
    });
    (Handle(line.clone()), Inbox { messages, line })
}

impl<S> Handle<S> {
    /// Queues work. After `close` it is dropped without being run.
    pub fn post(&self, job: Job<S>) {
        self.send(Message::Work(job));
    }

    /// Queues work that may begin before the work in front of it has ended.
    pub fn post_overlapping(&self, job: Job<S>) {
        self.send(Message::Overlapping(job));
    }

    /// Queues work; its outcome, or its panic as an error, settles the promise.
    pub fn submit<'env, T: ToNapiValue + Send + 'static>(
        &self,
        env: &'env Env,
        work: impl FnOnce(&mut S) -> Result<T, Failure> + Send + 'static,
    ) -> napi::Result<PromiseRaw<'env, T>> {
        let (reply, promise) = Reply::new(env)?;
        self.post(Box::new(move |state: &mut S| {
            reply.settle(guarded(|| work(state)));
        }));
        Ok(promise)
    }

    /// Takes no more work; the promise resolves when what is queued is done and the state is dropped.
    pub fn finish<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        let (reply, promise) = Reply::new(env)?;
        self.close(Box::new(move || reply.settle(Ok(()))));
        Ok(promise)
    }

    /// Takes no more work; calls `done` when the queue is empty and the state is dropped.
    pub fn close(&self, done: Done) {
        self.send(Message::Close(done));
        self.0.sender().take();
    }

    fn send(&self, message: Message<S>) {
        let refused = match self.0.sender().as_ref() {
            Some(sender) => sender.send(message).err().map(|refused| refused.0),
            None => Some(message),
        };
        if let Some(Message::Close(done)) = refused {
            done();
        }
    }
}

impl<S> Drop for Handle<S> {
    fn drop(&mut self) {
        self.0.sender().take();
    }
}

impl<S: Underway> Inbox<S> {
    /// Runs what is queued, in order, until the channel is closed or abandoned.
    pub fn serve(self, mut state: S) {
        let mut underway = false;
        while let Some(message) = self.next(&mut state, underway) {
            match message {
                _ if self.line.abandoned.load(Ordering::Acquire) => break,
                Message::Work(job) => self.line.busy.during(|| {
                    state.end_all();
                    job(&mut state);
                }),
                Message::Overlapping(job) => self.line.busy.during(|| job(&mut state)),
                Message::Close(done) => {
                    state.end_all();
                    drop(state);
                    return done();
                }
            }
            underway = state.end_ready();
        }
        state.end_all();
    }

    /// The next message; meanwhile what is under way ends. None: there will be none.
    fn next(&self, state: &mut S, mut underway: bool) -> Option<Message<S>> {
        while underway {
            match self.messages.recv_timeout(MOMENT) {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => underway = state.end_ready(),
            }
        }
        self.messages.recv().ok()
    }
}

impl<S> Inbox<S> {
    /// Whether `serve` works on a message.
    pub fn busy(&self) -> Busy {
        self.line.busy.clone()
    }
}

/// What can be told to end at its next message.
trait Abandon: Send + Sync {
    fn abandon(&self);
}

impl<S> Abandon for Line<S> {
    fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.sender().take();
    }
}

struct Running {
    thread: JoinHandle<()>,
    line: Arc<dyn Abandon>,
}

thread_local! {
    /// Native threads that were started from this JavaScript thread.
    static RUNNING: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
    static STAGE: Cell<Stage> = const { Cell::new(Stage::Idle) };
}

/// What the calling JavaScript thread has done about its native threads.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Idle,
    /// Threads are ended before the environment is torn down.
    Watched,
    Ended,
}

/// libtorch frees deep graphs by recursion.
const STACK_BYTES: usize = 32 << 20;

/// Starts a native thread that takes its messages from `inbox` in `body` and settles the promise that is returned.
/// Refused once the process ends.
pub fn start<'env, S: 'static, T: ToNapiValue + 'static>(
    env: &'env Env,
    name: &str,
    inbox: Inbox<S>,
    body: impl FnOnce(Inbox<S>, Reply<T>) + Send + 'static,
) -> napi::Result<PromiseRaw<'env, T>> {
    watch(env)?;
    let line: Arc<dyn Abandon> = inbox.line.clone();
    let (sender, replies) = channel();
    let thread = Builder::new()
        .name(name.to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // None comes where no promise could be made.
            if let Ok(reply) = replies.recv() {
                body(inbox, reply);
            }
        })?;
    RUNNING.with_borrow_mut(|running| {
        running.retain(|other| !other.thread.is_finished());
        running.push(Running { thread, line });
    });
    // Made only now: a promise left behind by a thread that did not start would be an unhandled rejection.
    let (reply, promise) = Reply::new(env)?;
    // The thread waits for it, so it is taken.
    let _ = sender.send(reply);
    Ok(promise)
}

/// Node tears down the environment of a worker that is ended; of the main thread it does not when
/// `process.exit` is called, where TypeScript calls [`end_threads`].
fn watch(env: &Env) -> napi::Result<()> {
    match STAGE.get() {
        Stage::Ended => Err(napi::Error::from_reason("the process is ending")),
        Stage::Watched => Ok(()),
        Stage::Idle => {
            env.add_env_cleanup_hook((), |()| end_threads())?;
            STAGE.set(Stage::Watched);
            Ok(())
        }
    }
}

/// Ends the native threads of this JavaScript thread: waits for what they compute, drops what waits.
/// A process that ended before that would crash, since libtorch's destructors take from running
/// operations what they use.
#[napi(catch_unwind)]
pub fn end_threads() {
    STAGE.set(Stage::Ended);
    let running = RUNNING.take();
    for Running { line, .. } in &running {
        line.abandon();
    }
    for Running { thread, .. } in running {
        // A panic outside a guard was printed; there is nobody left to tell.
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    /// A thread whose state is the list of what was done, which it sends when it is dropped.
    struct Log(Vec<u32>, Sender<Vec<u32>>);

    impl Underway for Log {}

    impl Drop for Log {
        fn drop(&mut self) {
            self.1.send(std::mem::take(&mut self.0)).unwrap();
        }
    }

    fn log() -> (Handle<Log>, Inbox<Log>, Receiver<Vec<u32>>, Log) {
        let (handle, inbox) = line();
        let (sender, logged) = mpsc::channel();
        (handle, inbox, logged, Log(Vec::new(), sender))
    }

    fn write(handle: &Handle<Log>, value: u32) {
        handle.post(Box::new(move |log| log.0.push(value)));
    }

    #[test]
    fn closing_waits_for_queued_work_and_refuses_more() {
        let (handle, inbox, logged, log) = log();
        let (done, closed) = mpsc::channel();
        write(&handle, 1);
        write(&handle, 2);
        handle.close(Box::new(move || done.send(()).unwrap()));
        write(&handle, 3);
        let thread = thread::spawn(move || inbox.serve(log));
        closed.recv().unwrap();
        assert_eq!(logged.try_recv(), Ok(vec![1, 2]), "dropped before done");
        thread.join().unwrap();
    }

    #[test]
    fn a_thread_is_busy_while_it_works_and_at_no_other_time() {
        let (handle, inbox, _logged, log) = log();
        let (busy, outside) = (inbox.busy(), inbox.busy());
        let (sender, seen) = mpsc::channel();
        handle.post(Box::new(move |_| sender.send(busy.now()).unwrap()));
        assert!(!outside.now());
        drop(handle);
        inbox.serve(log);
        assert_eq!((seen.recv(), outside.now()), (Ok(true), false));
    }

    #[test]
    fn closing_twice_is_done_at_once() {
        let (handle, _inbox, _logged, _log) = log();
        handle.close(Box::new(|| ()));
        let (done, closed) = mpsc::channel();
        handle.close(Box::new(move || done.send(()).unwrap()));
        assert_eq!(closed.try_recv(), Ok(()));
    }

    #[test]
    fn a_dropped_handle_lets_the_queue_run_empty() {
        let (handle, inbox, logged, log) = log();
        write(&handle, 1);
        drop(handle);
        inbox.serve(log);
        assert_eq!(logged.try_recv(), Ok(vec![1]));
    }

    #[test]
    fn abandoned_work_is_dropped() {
        let (handle, inbox, logged, log) = log();
        write(&handle, 1);
        handle.0.abandon();
        inbox.serve(log);
        assert_eq!(logged.try_recv(), Ok(vec![]));
    }
    /// Work under way, each with the number of looks until it is done; and what happened, in order.
    struct Device {
        underway: Vec<(u32, u32)>,
        happened: Sender<(&'static str, u32)>,
    }

    impl Device {
        fn end(&mut self, index: usize) {
            let (value, _) = self.underway.remove(index);
            self.happened.send(("ended", value)).unwrap();
        }
    }

    impl Underway for Device {
        fn end_ready(&mut self) -> bool {
            for (_, looks) in &mut self.underway {
                *looks = looks.saturating_sub(1);
            }
            while self.underway.first().is_some_and(|(_, looks)| *looks == 0) {
                self.end(0);
            }
            !self.underway.is_empty()
        }

        fn end_all(&mut self) {
            while !self.underway.is_empty() {
                self.end(0);
            }
        }
    }

    /// What a device did, in order.
    type Seen = Receiver<(&'static str, u32)>;

    fn device() -> (Handle<Device>, Inbox<Device>, Device, Seen) {
        let (handle, inbox) = line();
        let (happened, seen) = mpsc::channel();
        let underway = Vec::new();
        (handle, inbox, Device { underway, happened }, seen)
    }

    /// Work that is done after so many looks.
    fn begin(handle: &Handle<Device>, value: u32, looks: u32) {
        handle.post_overlapping(Box::new(move |device| {
            device.happened.send(("began", value)).unwrap();
            device.underway.push((value, looks));
        }));
    }

    #[test]
    fn work_under_way_ends_before_other_work_begins_and_before_the_thread_does() {
        let (handle, inbox, device, seen) = device();
        begin(&handle, 1, u32::MAX);
        begin(&handle, 2, u32::MAX);
        handle.post(Box::new(|device| {
            device.happened.send(("worked", 3)).unwrap();
        }));
        begin(&handle, 4, u32::MAX);
        drop(handle);
        inbox.serve(device);
        let happened: Vec<_> = seen.iter().collect();
        let expected = [
            ("began", 1),
            ("began", 2),
            ("ended", 1),
            ("ended", 2),
            ("worked", 3),
            ("began", 4),
            ("ended", 4),
        ];
        assert_eq!(happened, expected);
    }

    #[test]
    fn work_under_way_ends_while_no_message_comes() {
        let (handle, inbox, device, seen) = device();
        begin(&handle, 1, 5);
        let thread = thread::spawn(move || inbox.serve(device));
        let happened = [seen.recv(), seen.recv()];
        assert_eq!(happened, [Ok(("began", 1)), Ok(("ended", 1))]);
        drop(handle);
        thread.join().unwrap();
    }
}
