//! Random numbers as a function of (seed, purpose, counter): no generator state is carried from step to step.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// What the numbers are for; different purposes never share numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Initial value of the parameter with this index.
    Initialisation,
    /// Stochastic depth of the step with this number.
    DropPath,
    /// Initial weights of a linear probe on these columns.
    Probe,
    /// Noise in a box of an image.
    Erasing,
}

/// The generator of (seed, purpose, counter).
pub(crate) fn stream(seed: u64, purpose: Purpose, counter: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(((purpose as u64) << 56) | (counter & (u64::MAX >> 8)));
    generator
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::RngCore;

    #[test]
    fn the_same_path_gives_the_same_numbers_and_another_path_gives_others() {
        let draw = |seed, purpose, counter| stream(seed, purpose, counter).next_u64();
        let first = draw(1, Purpose::DropPath, 5);
        assert_eq!(draw(1, Purpose::DropPath, 5), first);
        assert_ne!(draw(2, Purpose::DropPath, 5), first);
        assert_ne!(draw(1, Purpose::Initialisation, 5), first);
        assert_ne!(draw(1, Purpose::DropPath, 6), first);
    }
}
