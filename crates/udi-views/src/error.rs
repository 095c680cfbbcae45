//! What can be wrong with an image, a recipe or a buffer.

use thiserror::Error;

/// Why a view could not be made; each message names what was expected and what was received.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ViewError {
    /// An image with no pixels, or more than can be addressed.
    #[error("expected an image of at least 1x1 addressable pixels, received {width}x{height}")]
    ImageSize {
        /// Received width.
        width: u32,
        /// Received height.
        height: u32,
    },
    /// A pixel buffer that does not fit the image's size.
    #[error("expected {expected} bytes for {width}x{height} RGB pixels, received {received} bytes")]
    PixelBytes {
        /// Width of the image.
        width: u32,
        /// Height of the image.
        height: u32,
        /// Bytes that the size asks for.
        expected: u64,
        /// Bytes in the buffer.
        received: usize,
    },
    /// A crop that is empty or leaves the image.
    #[error(
        "expected a non-empty crop inside an image of {image_width}x{image_height}, received top \
         {top}, left {left}, {width}x{height}"
    )]
    Crop {
        /// First row of the crop.
        top: u32,
        /// First column of the crop.
        left: u32,
        /// Columns of the crop.
        width: u32,
        /// Rows of the crop.
        height: u32,
        /// Columns of the image.
        image_width: u32,
        /// Rows of the image.
        image_height: u32,
    },
    /// A view size out of range.
    #[error("expected {name} from 1 to {limit}, received {received}")]
    Size {
        /// Which size.
        name: &'static str,
        /// Largest size taken.
        limit: u32,
        /// Received size.
        received: u32,
    },
    /// A number of the recipe out of its range.
    #[error("expected {name} {expected}, received {received}")]
    Number {
        /// Which number.
        name: &'static str,
        /// The range in words.
        expected: &'static str,
        /// Received number.
        received: f64,
    },
}
