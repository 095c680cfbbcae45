//! Loops compiled for the widest vector unit that the processor has.

/// Work on rows. `run` is `#[inline(always)]`, so that it is compiled for the unit of its caller.
pub(crate) trait Kernel {
    fn run(self);
}

/// Runs a kernel on the widest unit at hand.
pub(crate) fn vectorised(kernel: impl Kernel) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;

        if has_avx512() {
            // SAFETY: the processor has what the function is compiled for.
            return unsafe { wide(kernel) };
        }
        if has!("avx2") && has!("fma") {
            // SAFETY: likewise.
            return unsafe { middle(kernel) };
        }
    }
    kernel.run();
}

/// Whether the processor has vectors of 16 numbers with all that loops over them need.
pub(crate) fn has_avx512() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;

        has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512dq") && has!("fma")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma")]
fn wide(kernel: impl Kernel) {
    kernel.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn middle(kernel: impl Kernel) {
    kernel.run();
}
