//! The source image: borrowed interleaved RGB pixels.

use crate::{PixelBox, ViewError};

/// Interleaved 8-bit RGB pixels, rows from the top, of a checked length.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    pixels: &'a [u8],
    width: u32,
    height: u32,
}

/// Bytes of an RGB image, or an error where there are none or too many.
pub(crate) fn rgb_bytes(width: u32, height: u32) -> Result<u64, ViewError> {
    u64::from(width)
        .checked_mul(u64::from(height))
        .and_then(|pixels| pixels.checked_mul(3))
        .filter(|&bytes| bytes > 0 && usize::try_from(bytes).is_ok())
        .ok_or(ViewError::ImageSize { width, height })
}

/// Checks that a buffer holds exactly an RGB image of this size.
pub(crate) fn check_bytes(received: usize, width: u32, height: u32) -> Result<(), ViewError> {
    let expected = rgb_bytes(width, height)?;
    if u64::try_from(received) == Ok(expected) {
        return Ok(());
    }
    Err(ViewError::PixelBytes {
        width,
        height,
        expected,
        received,
    })
}

impl<'a> Image<'a> {
    /// Borrows `pixels` as a `width` x `height` image; the length must be exactly `3 * width * height`.
    pub fn new(pixels: &'a [u8], width: u32, height: u32) -> Result<Self, ViewError> {
        check_bytes(pixels.len(), width, height)?;
        Ok(Self {
            pixels,
            width,
            height,
        })
    }

    /// Columns.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Interleaved RGB, row by row.
    pub fn pixels(&self) -> &'a [u8] {
        self.pixels
    }

    /// The box that covers the image.
    pub fn whole(&self) -> PixelBox {
        PixelBox {
            top: 0,
            left: 0,
            height: self.height,
            width: self.width,
        }
    }

    /// Checks that `crop` is non-empty and inside the image.
    pub(crate) fn check_crop(&self, crop: &PixelBox) -> Result<(), ViewError> {
        let fits = |start: u32, length: u32, limit: u32| {
            length > 0 && start.checked_add(length).is_some_and(|end| end <= limit)
        };
        if fits(crop.top, crop.height, self.height) && fits(crop.left, crop.width, self.width) {
            return Ok(());
        }
        Err(ViewError::Crop {
            top: crop.top,
            left: crop.left,
            width: crop.width,
            height: crop.height,
            image_width: self.width,
            image_height: self.height,
        })
    }

    /// `length` pixels of `row` from column `start`; the caller has checked the range.
    pub(crate) fn row_part(&self, row: usize, start: usize, length: usize) -> &'a [u8] {
        let first = 3 * (row * self.width as usize + start);
        &self.pixels[first..first + 3 * length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_buffer_of_another_length() {
        let error = Image::new(&[0; 11], 2, 2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected 12 bytes for 2x2 RGB pixels, received 11 bytes"
        );
    }

    #[test]
    fn refuses_empty_and_unaddressable_sizes() {
        for (width, height) in [(0, 4), (4, 0), (u32::MAX, u32::MAX)] {
            let error = Image::new(&[], width, height).unwrap_err();
            assert_eq!(error, ViewError::ImageSize { width, height });
        }
    }

    #[test]
    fn refuses_crops_that_leave_the_image() {
        let pixels = [0; 3 * 4 * 5];
        let image = Image::new(&pixels, 4, 5).unwrap();
        let boxes = [
            (0, 0, 6, 4),
            (0, 0, 5, 5),
            (3, 0, 3, 4),
            (0, 1, 5, 4),
            (0, 0, 0, 4),
            (0, 0, 5, 0),
            (u32::MAX, 0, 2, 4),
        ];
        for (top, left, height, width) in boxes {
            let crop = PixelBox {
                top,
                left,
                height,
                width,
            };
            let error = image.check_crop(&crop).unwrap_err();
            assert!(matches!(error, ViewError::Crop { .. }), "{crop:?}");
        }
        assert_eq!(image.check_crop(&image.whole()), Ok(()));
    }
}
