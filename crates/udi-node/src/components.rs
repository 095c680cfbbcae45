//! Principal components.

use napi::{
    Env,
    bindgen_prelude::{Float32Array, Float64Array, PromiseRaw},
};
use napi_derive::napi;

use crate::{
    batch::copied,
    failure::Failure,
    guard::guarded,
    shapes::{ComponentsRequest, PrincipalComponents},
    thread,
};

/// Vectors, copied out of JavaScript's memory.
struct ComponentsData {
    vectors: Vec<f32>,
    width: i64,
    components: i64,
}

impl ComponentsData {
    fn copy(request: &ComponentsRequest) -> Result<Self, Failure> {
        Ok(Self {
            vectors: copied(&request.vectors)?,
            width: request.width.into(),
            components: request.components.into(),
        })
    }

    fn solved(&self) -> Result<PrincipalComponents, Failure> {
        let found = udi::principal_components(&udi::ComponentsRequest {
            vectors: &self.vectors,
            width: self.width,
            components: self.components,
        })?;
        Ok(PrincipalComponents {
            mean: Float64Array::new(found.mean),
            directions: Float64Array::new(found.directions),
            explained: found.explained,
            scores: Float32Array::new(found.scores),
        })
    }
}

/// The directions in which vectors differ most, that of the largest variance first; on a thread of its own.
#[napi(catch_unwind)]
pub fn principal_components<'env>(
    env: &'env Env,
    request: ComponentsRequest,
) -> napi::Result<PromiseRaw<'env, PrincipalComponents>> {
    let request = ComponentsData::copy(&request).map_err(|failure| failure.into_napi(env))?;
    let (_, inbox) = thread::line::<()>();
    thread::start(env, "udi-components", inbox, move |_, reply| {
        reply.settle(guarded(|| request.solved()));
    })
}
