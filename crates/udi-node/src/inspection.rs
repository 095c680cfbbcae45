//! What an engine's networks were shown, from one call to the next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi_derive::napi;

/// Features of the images that an engine's networks were shown. Those of one engine belong together.
#[napi]
#[derive(Default)]
pub struct Inspection {
    gathered: Gathered,
}

/// Shared by the handle and the calls under way.
#[derive(Clone, Default)]
pub struct Gathered(Arc<Mutex<udi::Inspection>>);

impl Gathered {
    /// A batch is added whole or not at all, so a panic in between leaves nothing half done.
    pub fn lock(&self) -> MutexGuard<'_, udi::Inspection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inspection {
    /// For a call on the engine's thread.
    pub fn gathered(&self) -> Gathered {
        self.gathered.clone()
    }
}

#[napi]
impl Inspection {
    /// Of no image yet.
    #[napi(constructor)]
    pub fn empty() -> Self {
        Self::default()
    }
}
