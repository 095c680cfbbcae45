//! What the addon sees of the machine.

use napi_derive::napi;

use crate::shapes::Processors;

/// Instructions of the CPU, and the CUDA devices that libtorch can use. Never fails for a machine without a GPU.
#[napi(catch_unwind)]
pub fn processors() -> Processors {
    Processors {
        bf16: instructions::bf16(),
        avx512: instructions::avx512(),
        cuda_devices: tch::Cuda::device_count(),
    }
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
