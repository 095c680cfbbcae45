//! Rotation, shear and shift: an affine map that says where each pixel is read from, as PIL's `transform` takes it.

use crate::Planes;

use super::affine::{Affine, read_through};

/// How values between pixels are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// Of the nearest 2x2 pixels.
    Bilinear,
    /// Of the nearest 4x4 pixels.
    Bicubic,
}

/// A change of place; the image keeps its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Warp {
    /// Counter-clockwise around the centre, in degrees.
    Rotate(f64),
    /// Each row is read from so many of its distances to the top further right.
    ShearX(f64),
    /// Each column is read from so many of its distances to the left further down.
    ShearY(f64),
    /// Read from so many pixels further right.
    TranslateX(f64),
    /// Read from so many pixels further down.
    TranslateY(f64),
}

impl Warp {
    /// Its number: degrees, a factor or pixels.
    pub(super) fn amount(self) -> f64 {
        match self {
            Self::Rotate(amount)
            | Self::ShearX(amount)
            | Self::ShearY(amount)
            | Self::TranslateX(amount)
            | Self::TranslateY(amount) => amount,
        }
    }

    fn affine(self, [width, height]: [usize; 2]) -> Affine {
        match self {
            Self::Rotate(degrees) => rotation(degrees, [width as f64 / 2.0, height as f64 / 2.0]),
            Self::ShearX(factor) => [1.0, factor, 0.0, 0.0, 1.0, 0.0],
            Self::ShearY(factor) => [1.0, 0.0, 0.0, factor, 1.0, 0.0],
            Self::TranslateX(pixels) => [1.0, 0.0, pixels, 0.0, 1.0, 0.0],
            Self::TranslateY(pixels) => [1.0, 0.0, 0.0, 0.0, 1.0, pixels],
        }
    }
}

/// PIL's matrix, its rounding to 15 decimals included.
fn rotation(degrees: f64, [x, y]: [f64; 2]) -> Affine {
    let (sine, cosine) = (-degrees.rem_euclid(360.0).to_radians()).sin_cos();
    let [cosine, sine, negative] = [cosine, sine, -sine].map(rounded);
    [
        cosine,
        sine,
        cosine * -x + sine * -y + x,
        negative,
        cosine,
        negative * -x + cosine * -y + y,
    ]
}

fn rounded(number: f64) -> f64 {
    format!("{number:.15}").parse().unwrap_or(number)
}

/// Moves every pixel; those read from outside take the colour `fill`. `other` is memory for an image.
pub(super) fn warp(
    planes: &mut Planes,
    (warp, interpolation): (Warp, Interpolation),
    fill: [u8; 3],
    other: &mut Vec<u8>,
) {
    let affine = warp.affine([planes.width(), planes.height()]);
    read_through(planes, (&affine, interpolation), fill, other);
}
