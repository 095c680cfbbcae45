//! Native memory behind a handle of JavaScript.

use std::sync::Arc;

use napi::Env;

use crate::failure::{Code, Failure};

/// A value that work under way may still use when the handle lets it go. V8 is told of its size, so that it collects handles
/// that nobody disposes of.
pub struct Held<T> {
    /// None: let go.
    value: Option<Arc<T>>,
    /// Bytes that V8 was told of.
    bytes: i64,
}

impl<T> Held<T> {
    /// Holds a value of this size in memory.
    pub fn new(env: Env, value: T, bytes: usize) -> napi::Result<Self> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        env.adjust_external_memory(bytes)?;
        Ok(Self {
            value: Some(Arc::new(value)),
            bytes,
        })
    }

    /// The value; `disposed` is the error once it was let go.
    pub fn value(&self, disposed: &str) -> Result<Arc<T>, Failure> {
        let none = || Failure::new(Code::Argument, disposed);
        self.value.clone().ok_or_else(none)
    }

    /// Size in memory.
    pub fn bytes(&self) -> i64 {
        self.bytes
    }

    /// Lets the value go; its memory is free now or when the work that uses it is done.
    pub fn release(&mut self, env: Env) -> napi::Result<()> {
        if self.value.take().is_some() {
            env.adjust_external_memory(-self.bytes)?;
        }
        Ok(())
    }
}
