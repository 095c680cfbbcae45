//! Numbers too small for a normal float: sharp softmaxes are full of them, and a processor takes a hundred times longer over each.

/// From here on this thread, and every thread that it starts, takes numbers below 1.2e-38 for zero. Does nothing on
/// processors other than x86-64.
pub fn flush_denormals() {
    #[cfg(target_arch = "x86_64")]
    {
        /// Flush-to-zero and denormals-are-zero.
        const FLUSH: u32 = 0x8040;
        let mut control: u32 = 0;
        // SAFETY: both instructions move the control register of this thread's SSE unit to and from `control`. The two bits
        // set change the rounding of denormals alone, which no code of this process relies on.
        unsafe {
            std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack, preserves_flags));
            control |= FLUSH;
            std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack, preserves_flags));
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use std::{hint::black_box, thread};

    #[test]
    fn a_thread_and_its_children_take_denormals_for_zero_and_others_do_not() {
        let half_of_smallest = || black_box(f32::MIN_POSITIVE) * black_box(0.5);
        let flushed = thread::spawn(move || {
            flush_denormals();
            (
                half_of_smallest(),
                thread::spawn(half_of_smallest).join().unwrap_or(1.0),
            )
        });
        assert_eq!(flushed.join().unwrap(), (0.0, 0.0));
        assert!(half_of_smallest() > 0.0);
    }
}
