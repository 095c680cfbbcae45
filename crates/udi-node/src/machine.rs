//! What the addon sees of the machine.

use napi::{Env, bindgen_prelude::PromiseRaw};
use napi_derive::napi;
use tch::Device;

use crate::{guard::guarded, shapes::Processors, thread};

/// Instructions of the CPU, and the CUDA devices that libtorch can use. Never fails for a machine without a GPU.
#[napi(catch_unwind)]
pub fn processors() -> Processors {
    Processors {
        bf16: instructions::bf16(),
        avx512: instructions::avx512(),
        cuda_devices: tch::Cuda::device_count(),
    }
}

/// Why the engine's kernels cannot be compiled for a CUDA device; null: they can. On a thread of its own.
#[napi(catch_unwind)]
pub fn without_cuda_kernels(
    env: &Env,
    device: u32,
) -> napi::Result<PromiseRaw<'_, Option<String>>> {
    let (_, inbox) = thread::line::<()>();
    thread::start(env, "udi-kernels", inbox, move |_, reply| {
        let device = Device::Cuda(device as usize);
        reply.settle(guarded(|| Ok(udi::without_cuda_kernels(device))));
    })
}

#[cfg(target_arch = "x86_64")]
mod instructions {
    use std::arch::is_x86_feature_detected as has;

    pub(super) fn bf16() -> bool {
        has!("avx512bf16")
    }

    pub(super) fn avx512() -> bool {
        has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl")
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod instructions {
    pub(super) fn bf16() -> bool {
        false
    }

    pub(super) fn avx512() -> bool {
        false
    }
}
