//! Promises that are settled from another thread.

use napi::{
    Env, JsDeferred, JsValue,
    bindgen_prelude::{PromiseRaw, ToNapiValue},
};

use crate::failure::{Code, Failure};

type Present<T> = Box<dyn FnOnce(Env) -> napi::Result<T> + Send>;

/// The native end of one promise. It is settled exactly once: dropping it rejects, since a promise
/// left pending would keep Node alive for ever.
pub struct Reply<T: ToNapiValue + 'static>(Option<JsDeferred<T, Present<T>>>);

impl<T: ToNapiValue + 'static> Reply<T> {
    /// A promise and its native end.
    pub fn new(env: &Env) -> napi::Result<(Self, PromiseRaw<'_, T>)> {
        let (deferred, promise) = env.create_deferred::<T, Present<T>>()?;
        let promise = PromiseRaw::new(env.raw(), promise.raw());
        Ok((Self(Some(deferred)), promise))
    }

    /// Resolves or rejects.
    pub fn settle(self, outcome: Result<T, Failure>)
    where
        T: Send,
    {
        self.settle_with(outcome, |_, value| Ok(value));
    }

    /// Resolves with what `present` makes of the value on JavaScript's thread, or rejects.
    pub fn settle_with<V: Send + 'static>(
        mut self,
        outcome: Result<V, Failure>,
        present: impl FnOnce(Env, V) -> napi::Result<T> + Send + 'static,
    ) {
        self.deliver(Box::new(move |env| match outcome {
            Ok(value) => present(env, value),
            Err(failure) => Err(failure.into_napi(&env)),
        }));
    }

    fn deliver(&mut self, present: Present<T>) {
        if let Some(deferred) = self.0.take() {
            deferred.resolve(present);
        }
    }
}

impl<T: ToNapiValue + 'static> Drop for Reply<T> {
    fn drop(&mut self) {
        let message = "native: expected an open engine, received one that is closed";
        let failure = Failure::new(Code::Argument, message);
        self.deliver(Box::new(move |env| Err(failure.into_napi(&env))));
    }
}
