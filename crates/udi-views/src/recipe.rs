//! The recipe of one view: every random choice already made.

use crate::{Image, ViewError, render::check_side};

/// A box of pixels inside an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelBox {
    /// First row.
    pub top: u32,
    /// First column.
    pub left: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

/// One step of colour jitter, with torchvision's factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum JitterStep {
    /// Blend with black; 1 keeps the image.
    Brightness(f64),
    /// Blend with the mean grey; 1 keeps the image.
    Contrast(f64),
    /// Blend with the grey image; 1 keeps the image.
    Saturation(f64),
    /// Shift of the hue in turns, from -0.5 to 0.5.
    Hue(f64),
}

/// How to make one training view; the operations run in the order of the fields.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewRecipe {
    /// What to cut out of the image.
    pub crop: PixelBox,
    /// Side of the square view, in pixels.
    pub size: u32,
    /// Whether to mirror left and right.
    pub flipped: bool,
    /// Colour jitter, in the order to apply it.
    pub jitter: Vec<JitterStep>,
    /// Whether to drop the colour.
    pub grayscale: bool,
    /// Radius of PIL's Gaussian blur; 0 for none.
    pub blur_radius: f64,
    /// Values from here on are inverted.
    pub solarize_threshold: Option<u8>,
}

/// Largest blur radius taken: PIL's 32-bit sums hold well beyond it.
const MAX_BLUR_RADIUS: f64 = 1000.0;

/// Refuses a number that is not `valid`.
pub(crate) fn number(
    name: &'static str,
    expected: &'static str,
    valid: bool,
    received: f64,
) -> Result<(), ViewError> {
    if valid {
        return Ok(());
    }
    Err(ViewError::Number {
        name,
        expected,
        received,
    })
}

/// Refuses what is no factor.
pub(crate) fn factor(name: &'static str, value: f64) -> Result<(), ViewError> {
    let valid = value.is_finite() && value >= 0.0;
    number(name, "to be a finite factor of at least 0", valid, value)
}

impl JitterStep {
    pub(crate) fn check(self) -> Result<(), ViewError> {
        match self {
            Self::Brightness(value) => factor("brightness", value),
            Self::Contrast(value) => factor("contrast", value),
            Self::Saturation(value) => factor("saturation", value),
            Self::Hue(value) => {
                let valid = (-0.5..=0.5).contains(&value);
                number("hue", "from -0.5 to 0.5 turns", valid, value)
            }
        }
    }
}

impl ViewRecipe {
    /// Checks that the recipe makes a view of this image.
    pub fn check(&self, image: &Image) -> Result<(), ViewError> {
        check_side("view size", self.size)?;
        image.check_crop(&self.crop)?;
        self.check_operations()
    }

    /// Checks the numbers of the operations that follow the resize.
    pub(crate) fn check_operations(&self) -> Result<(), ViewError> {
        let radius = self.blur_radius;
        let valid = (0.0..=MAX_BLUR_RADIUS).contains(&radius);
        number("blur radius", "from 0 to 1000", valid, radius)?;
        self.jitter.iter().try_for_each(|step| step.check())
    }
}
