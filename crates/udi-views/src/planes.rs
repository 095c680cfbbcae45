//! The view under construction: three planes of bytes in the caller's buffer.

use crate::{ViewError, image::check_bytes};

/// Borrowed planar `[3, height, width]` bytes of a checked length.
#[derive(Debug)]
pub struct Planes<'a> {
    bytes: &'a mut [u8],
    width: usize,
    height: usize,
}

impl<'a> Planes<'a> {
    /// Borrows `bytes`; the length must be exactly `3 * width * height`.
    pub fn new(bytes: &'a mut [u8], width: u32, height: u32) -> Result<Self, ViewError> {
        check_bytes(bytes.len(), width, height)?;
        Ok(Self {
            bytes,
            width: width as usize,
            height: height as usize,
        })
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.height
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        self.bytes
    }

    /// One plane after the other.
    pub(crate) fn each(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.bytes.chunks_exact_mut(self.width * self.height)
    }

    /// The red, green and blue planes.
    pub(crate) fn split(&mut self) -> [&mut [u8]; 3] {
        let area = self.width * self.height;
        let (red, rest) = self.bytes.split_at_mut(area);
        let (green, blue) = rest.split_at_mut(area);
        [red, green, blue]
    }

    /// Replaces every pixel by `operation` of it; inlined, so that it is compiled for the caller's processor.
    #[inline(always)]
    pub(crate) fn map_pixels(&mut self, operation: impl Fn([u8; 3]) -> [u8; 3]) {
        let [reds, greens, blues] = self.split();
        for ((red, green), blue) in reds.iter_mut().zip(greens).zip(blues) {
            [*red, *green, *blue] = operation([*red, *green, *blue]);
        }
    }
}
