//! What a classifier's training changes about an image as a whole, before a crop is taken: the operations of RandAugment, bit
//! for bit as PIL makes them.

mod affine;
mod auto_contrast;
mod equalize;
mod histogram;
mod invert;
mod posterize;
mod sharpness;
mod solarize_add;
mod warp;

use crate::{
    JitterStep, Planes, ViewError,
    recipe::{factor, number},
    render::jitter,
    solarize::solarize,
};

pub use warp::{Interpolation, Warp};

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Augmentation {
    /// Each channel's darkest value becomes 0, its lightest 255.
    AutoContrast,
    /// Each channel's values are spread so that all occur about equally often.
    Equalize,
    /// The negative.
    Invert,
    /// So many of the highest bits are kept, from 0 to 8.
    Posterize(u8),
    /// Values from here on are inverted, up to 256: none.
    Solarize(u16),
    /// So much is added to values below 128.
    SolarizeAdd(u8),
    /// Brightness, contrast or saturation.
    Colour(JitterStep),
    /// Blend with the smoothed image; 1 keeps the image.
    Sharpness(f64),
    /// Rotation, shear or shift.
    Warp(Warp, Interpolation),
}

/// Largest number of a warp in either direction: far outside of any image, and its products are exact enough.
const MOST: f64 = 65536.0;

impl Augmentation {
    pub(crate) fn check(self) -> Result<(), ViewError> {
        match self {
            Self::Colour(step) => step.check(),
            Self::Sharpness(value) => factor("sharpness", value),
            Self::Posterize(bits) => {
                number("posterize", "from 0 to 8 bits", bits <= 8, bits.into())
            }
            Self::Solarize(threshold) => {
                let valid = threshold <= 256;
                number("solarize", "from 0 to 256", valid, threshold.into())
            }
            Self::Warp(warp, _) => {
                let amount = warp.amount();
                let valid = amount.abs() <= MOST;
                number("warp", "from -65536 to 65536", valid, amount)
            }
            Self::AutoContrast | Self::Equalize | Self::Invert | Self::SolarizeAdd(_) => Ok(()),
        }
    }

    /// `fill` is the colour of what comes in from outside; `other` is memory.
    pub(crate) fn apply(self, planes: &mut Planes, fill: [u8; 3], other: &mut Vec<u8>) {
        match self {
            Self::AutoContrast => auto_contrast::auto_contrast(planes),
            Self::Equalize => equalize::equalize(planes),
            Self::Invert => invert::invert(planes),
            Self::Posterize(bits) => posterize::posterize(planes, bits),
            Self::Solarize(threshold) => {
                if let Ok(threshold) = u8::try_from(threshold) {
                    solarize(planes, threshold);
                }
            }
            Self::SolarizeAdd(amount) => solarize_add::solarize_add(planes, amount),
            Self::Colour(step) => jitter(planes, step),
            Self::Sharpness(factor) => sharpness::adjust_sharpness(planes, factor, other),
            Self::Warp(warp, interpolation) => {
                warp::warp(planes, (warp, interpolation), fill, other);
            }
        }
    }
}
