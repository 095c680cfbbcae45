//! The threads that decode and render, which all streams of the process share.

use std::sync::{Arc, Mutex, PoisonError};

use napi::Env;
use napi_derive::napi;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::failure::{Code, Failure};

static POOL: Mutex<Option<Arc<ThreadPool>>> = Mutex::new(None);

fn start(threads: usize) -> Result<Arc<ThreadPool>, Failure> {
    let named = ThreadPoolBuilder::new().thread_name(|index| format!("udi-views-{index}"));
    let pool = named.num_threads(threads).build();
    pool.map(Arc::new)
        .map_err(|error| Failure::of(Code::Native, &error).within("view threads"))
}

/// The threads, which are as many as the machine has cores until `set_view_threads` says otherwise.
pub fn view_threads() -> Result<Arc<ThreadPool>, Failure> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    match &*pool {
        Some(pool) => Ok(Arc::clone(pool)),
        None => Ok(Arc::clone(pool.insert(start(0)?))),
    }
}

/// How many threads decode and render from now on. Work under way ends on those that it began on.
#[napi(catch_unwind)]
pub fn set_view_threads(env: &Env, count: u32) -> napi::Result<()> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let count = count as usize;
    let same = |pool: &Arc<ThreadPool>| pool.current_num_threads() == count;
    if !pool.as_ref().is_some_and(same) {
        let started = start(count).map_err(|failure| failure.into_napi(env))?;
        *pool = Some(started);
    }
    Ok(())
}
