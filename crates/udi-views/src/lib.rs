//! Decodes JPEG files and executes view recipes on interleaved 8-bit RGB pixels, exactly as PIL would.
//!
//! A recipe fixes every random choice; the crate draws nothing. A [`Renderer`] makes training views, views of augmented
//! images and evaluation views, the resized centre crop, as planar `[3, height, width]` bytes on the calling thread:
//! callers parallelise over views, with a renderer for each thread.
//!
//! Loops over pixels are written for the compiler to vectorise, and compiled for several processors
//! (`multiversion`); integer sums and IEEE arithmetic give the same bytes on all of them.

#![forbid(unsafe_code)]

mod augmentation;
mod augmented;
mod bicubic;
mod blend;
mod blur;
mod brightness;
mod contrast;
mod error;
mod evaluation;
mod flip;
mod grayscale;
mod hue;
mod image;
mod jpeg;
mod lanes;
mod planes;
mod recipe;
mod render;
mod resize;
mod saturation;
mod solarize;
mod transpose;

pub use augmentation::{Augmentation, Interpolation, Warp};
pub use augmented::AugmentedRecipe;
pub use bicubic::{AxisTaps, Order, Scaling};
pub use blur::{BLUR_PASSES, BoxWeights};
pub use error::ViewError;
pub use image::Image;
pub use jpeg::{DecodedJpeg, decode_jpeg};
pub use planes::Planes;
pub use recipe::{JitterStep, PixelBox, ViewRecipe};
pub use render::{RenderTime, Renderer};
