//! Augmented views and erased boxes: shapes to the types of `udi_views` and `udi`.

use udi::{ErasedWith, Erasure};
use udi_views::{Augmentation, AugmentedRecipe, Interpolation, JitterStep, Warp};

use crate::{convert::refused, failure::Failure, shapes};

impl TryFrom<&shapes::AugmentedRecipe> for AugmentedRecipe {
    type Error = Failure;

    fn try_from(recipe: &shapes::AugmentedRecipe) -> Result<Self, Failure> {
        let augmentations = recipe.augmentations.iter().map(Augmentation::try_from);
        let length = || refused("fill", "three bytes", &format!("{:?}", recipe.fill));
        Ok(Self {
            flipped: recipe.flipped,
            augmentations: augmentations.collect::<Result<_, _>>()?,
            fill: recipe.fill[..].try_into().map_err(|_| length())?,
            crop: (&recipe.crop).into(),
            size: recipe.size,
        })
    }
}

impl TryFrom<&shapes::Augmentation> for Augmentation {
    type Error = Failure;

    fn try_from(step: &shapes::Augmentation) -> Result<Self, Failure> {
        let amount = step.amount;
        let warp = |warp: fn(f64) -> Warp| Ok(Self::Warp(warp(amount), interpolation(step)?));
        match step.kind.as_str() {
            "autoContrast" => Ok(Self::AutoContrast),
            "equalize" => Ok(Self::Equalize),
            "invert" => Ok(Self::Invert),
            "posterize" => Ok(Self::Posterize(whole(amount)?)),
            "solarize" => Ok(Self::Solarize(whole(amount)?)),
            "solarizeAdd" => Ok(Self::SolarizeAdd(whole(amount)?)),
            "brightness" => Ok(Self::Colour(JitterStep::Brightness(amount))),
            "contrast" => Ok(Self::Colour(JitterStep::Contrast(amount))),
            "saturation" => Ok(Self::Colour(JitterStep::Saturation(amount))),
            "sharpness" => Ok(Self::Sharpness(amount)),
            "rotate" => warp(Warp::Rotate),
            "shearX" => warp(Warp::ShearX),
            "shearY" => warp(Warp::ShearY),
            "translateX" => warp(Warp::TranslateX),
            "translateY" => warp(Warp::TranslateY),
            other => Err(refused(
                "augmentation",
                "an operation of RandAugment",
                other,
            )),
        }
    }
}

fn interpolation(step: &shapes::Augmentation) -> Result<Interpolation, Failure> {
    match step.interpolation.as_deref() {
        Some("bilinear") => Ok(Interpolation::Bilinear),
        Some("bicubic") => Ok(Interpolation::Bicubic),
        other => Err(refused(
            "interpolation",
            "bilinear or bicubic",
            other.unwrap_or("nothing"),
        )),
    }
}

/// A whole number that fits; what else an operation asks of it is checked by the renderer.
fn whole<T: TryFrom<u16>>(amount: f64) -> Result<T, Failure> {
    // The cast saturates, and makes 0 of what is no number.
    let number = amount as u16;
    let same = f64::from(number) == amount;
    let fitting = T::try_from(number).ok().filter(|_| same);
    fitting.ok_or_else(|| refused("augmentation", "a whole number", &amount.to_string()))
}

impl TryFrom<&shapes::Erasure> for Erasure {
    type Error = Failure;

    fn try_from(erasure: &shapes::Erasure) -> Result<Self, Failure> {
        let seed = u64::try_from(erasure.seed);
        let seed = seed.map_err(|_| refused("seed", "at least 0", &erasure.seed.to_string()))?;
        let with = match erasure.mode.as_str() {
            "const" => ErasedWith::Mean,
            "rand" => ErasedWith::Colour { seed },
            "pixel" => ErasedWith::Pixels { seed },
            other => return Err(refused("mode", "const, rand or pixel", other)),
        };
        Ok(Self {
            image: erasure.image.into(),
            top: erasure.place.top.into(),
            left: erasure.place.left.into(),
            height: erasure.place.height.into(),
            width: erasure.place.width.into(),
            with,
        })
    }
}
