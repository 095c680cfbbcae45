//! Executes view recipes on interleaved 8-bit RGB pixels exactly as PIL would.
//!
//! A recipe fixes every random choice; the crate draws nothing. [`render`] makes one training view,
//! [`evaluation_view`] the resized centre crop. Both write planar `[3, height, width]` bytes and run
//! on the calling thread: callers parallelise over views.

#![forbid(unsafe_code)]

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
mod planes;
mod recipe;
mod render;
mod resize;
mod saturation;
mod solarize;

pub use blur::{BLUR_PASSES, BoxWeights};
pub use error::ViewError;
pub use evaluation::evaluation_view;
pub use image::Image;
pub use planes::Planes;
pub use recipe::{JitterStep, PixelBox, ViewRecipe};
pub use render::{apply_operations, render};
