//! What this processor makes of libtorch's libraries.

/// Whether the processor has AVX-512 that MKL leaves unused: its kernels of that width are for Intel's own processors. On
/// others oneDNN, which asks for the unit and not for its maker, computes fp32 products twice as fast.
pub fn mkl_leaves_avx512_unused() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        use std::sync::OnceLock;

        static ANSWER: OnceLock<bool> = OnceLock::new();
        *ANSWER.get_or_init(|| crate::vector::has_avx512() && !is_of_intel())
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

#[cfg(target_arch = "x86_64")]
fn is_of_intel() -> bool {
    let name = std::arch::x86_64::__cpuid(0);
    let bytes = [name.ebx, name.edx, name.ecx].map(u32::to_le_bytes);
    bytes.as_flattened() == b"GenuineIntel"
}
