//! Boxes of normalised images written over, as timm's RandomErasing does: the caller has made every choice but the noise.

use rand_distr::{Distribution, StandardNormal};
use tch::Tensor;

use crate::{
    error::{UdiError, expect},
    guard::guard,
    random::{Purpose, stream},
};

/// What takes the place of a box. Noise is of mean 0 and variance 1, in normalised values, and a function of its seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasedWith {
    /// The mean of all images: zeros.
    Mean,
    /// One colour of noise.
    Colour {
        /// Of the noise.
        seed: u64,
    },
    /// Noise in every value.
    Pixels {
        /// Of the noise.
        seed: u64,
    },
}

/// One box of one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// Index in the batch.
    pub image: i64,
    /// First row.
    pub top: i64,
    /// First column.
    pub left: i64,
    /// Rows.
    pub height: i64,
    /// Columns.
    pub width: i64,
    /// What stands there then.
    pub with: ErasedWith,
}

/// Writes over boxes of `[B, 3, height, width]`, fp32, one after the other.
pub(crate) fn erase(images: &Tensor, erasures: &[Erasure]) -> Result<(), UdiError> {
    let size = images.size();
    for erasure in erasures {
        erasure.check(&size)?;
    }
    guard(|| {
        for erasure in erasures {
            let mut place = images
                .get(erasure.image)
                .narrow(1, erasure.top, erasure.height)
                .narrow(2, erasure.left, erasure.width);
            place.copy_(&erasure.values().to_device(images.device()));
        }
        Ok(())
    })
}

impl Erasure {
    fn check(&self, size: &[i64]) -> Result<(), UdiError> {
        let Self {
            image,
            top,
            left,
            height,
            width,
            ..
        } = *self;
        let count = size[0];
        let known = || format!("an image below {count}");
        expect((0..count).contains(&image), "erasure", known, image)?;
        let (rows, columns) = (size[2], size[3]);
        let fits = |start: i64, length: i64, limit: i64| {
            start >= 0 && length > 0 && start.checked_add(length).is_some_and(|end| end <= limit)
        };
        let inside = fits(top, height, rows) && fits(left, width, columns);
        let some = || format!("a box inside {rows}x{columns} pixels (height x width)");
        let received = format!("top {top}, left {left}, {height}x{width}");
        expect(inside, "erasure", some, received)
    }

    /// `[3, height, width]`, or `[3, 1, 1]` where a channel has one value.
    fn values(&self) -> Tensor {
        match self.with {
            ErasedWith::Mean => Tensor::from_slice(&[0f32; 3]).view([3, 1, 1]),
            ErasedWith::Colour { seed } => noise(seed, [3, 1, 1]),
            ErasedWith::Pixels { seed } => noise(seed, [3, self.height, self.width]),
        }
    }
}

fn noise(seed: u64, shape: [i64; 3]) -> Tensor {
    let mut generator = stream(seed, Purpose::Erasing, 0);
    let count = shape.iter().product::<i64>() as usize;
    let values: Vec<f32> = StandardNormal
        .sample_iter(&mut generator)
        .take(count)
        .collect();
    Tensor::from_slice(&values).view(shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    const NOISE: Erasure = Erasure {
        image: 1,
        top: 3,
        left: 5,
        height: 40,
        width: 30,
        with: ErasedWith::Pixels { seed: 7 },
    };

    fn erased(erasures: &[Erasure]) -> Tensor {
        let images = Tensor::full([2, 3, 64, 48], 9.0, (Kind::Float, Device::Cpu));
        erase(&images, erasures).unwrap();
        images
    }

    fn inside(images: &Tensor) -> Tensor {
        images.get(1).narrow(1, 3, 40).narrow(2, 5, 30).contiguous()
    }

    #[test]
    fn noise_has_mean_0_and_variance_1_and_stays_inside_its_box() {
        let images = erased(&[NOISE]);
        let inside = inside(&images);
        assert!(inside.mean(Kind::Float).double_value(&[]).abs() < 0.06);
        assert!((inside.std(true).double_value(&[]) - 1.0).abs() < 0.06);
        let untouched = images.eq(9.0).sum(Kind::Int64).int64_value(&[]);
        assert_eq!(untouched, 2 * 3 * 64 * 48 - 3 * 40 * 30);
    }

    #[test]
    fn noise_is_a_function_of_the_seed() {
        let again = erased(&[NOISE]);
        assert!(erased(&[NOISE]).equal(&again));
        let with = ErasedWith::Pixels { seed: 8 };
        assert!(!erased(&[Erasure { with, ..NOISE }]).equal(&again));
    }

    #[test]
    fn a_colour_is_one_value_a_channel_and_the_mean_is_zero() {
        let with = ErasedWith::Colour { seed: 7 };
        let colour = inside(&erased(&[Erasure { with, ..NOISE }]));
        let first = colour.narrow(1, 0, 1).narrow(2, 0, 1);
        assert!(colour.eq_tensor(&first).all().int64_value(&[]) == 1);
        assert!(first.double_value(&[0, 0, 0]) != first.double_value(&[1, 0, 0]));
        let with = ErasedWith::Mean;
        let mean = inside(&erased(&[Erasure { with, ..NOISE }]));
        assert_eq!(mean.abs().max().double_value(&[]), 0.0);
    }

    #[test]
    fn boxes_outside_are_refused_and_nothing_is_written() {
        let images = Tensor::full([2, 3, 64, 48], 9.0, (Kind::Float, Device::Cpu));
        let wrong = [
            Erasure { image: 2, ..NOISE },
            Erasure { top: 25, ..NOISE },
            Erasure { left: -1, ..NOISE },
            Erasure { width: 0, ..NOISE },
            Erasure {
                height: i64::MAX,
                ..NOISE
            },
        ];
        for erasure in wrong {
            let error = erase(&images, &[NOISE, erasure]).unwrap_err().to_string();
            assert!(error.contains("erasure"), "{error}");
        }
        assert!(images.eq(9.0).all().int64_value(&[]) == 1);
    }
}
