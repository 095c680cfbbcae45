//! JPEG files to RGB pixels, bit for bit as libjpeg-turbo decodes them (accurate integer DCT, fancy upsampling).

use libjpeg_turbo_rs::{DecodeLimits, Decoder, FrameHeader, PixelFormat};

/// The pixels of a JPEG file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedJpeg {
    /// Interleaved RGB, rows from the top.
    pub pixels: Vec<u8>,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

const START_OF_IMAGE: [u8; 2] = [0xff, 0xd8];
const END_OF_IMAGE: [u8; 2] = [0xff, 0xd9];

/// Whether a frame is one that cameras and programs write: 8 bits, the colours at full or at half resolution. What else the
/// standard allows is met in damaged headers, or nearly so, and is left to a decoder of more experience.
fn usual(frame: &FrameHeader) -> bool {
    let factors = frame
        .components
        .iter()
        .map(|component| (component.horizontal_sampling, component.vertical_sampling));
    let sampling = matches!(
        factors.collect::<Vec<_>>()[..],
        [(1, 1)] | [(1 | 2, 1 | 2), (1, 1), (1, 1)] | [(1, 1), (1, 1), (1, 1), (1, 1)]
    );
    sampling && frame.precision == 8 && !frame.is_lossless
}

/// Decodes a file in which nothing is wrong. None: it is no JPEG, has more than `max_pixels`, is of a kind that is not
/// read, or has some blemish, about which a more patient decoder must judge.
pub fn decode_jpeg(bytes: &[u8], max_pixels: u64) -> Option<DecodedJpeg> {
    // libjpeg calls a file truncated where the end is not marked, even if every pixel is there.
    if !(bytes.starts_with(&START_OF_IMAGE) && bytes.ends_with(&END_OF_IMAGE)) {
        return None;
    }
    let limits = DecodeLimits {
        max_pixels,
        ..DecodeLimits::default()
    };
    let decoder = Decoder::new_with_limits(bytes, limits)
        .ok()?
        .with_output_format(PixelFormat::Rgb)
        .with_stop_on_warning(true);
    if !usual(decoder.header()) {
        return None;
    }
    let image = decoder.decode_image().ok()?;
    let (width, height) = (image.width, image.height);
    let whole = image.warnings.is_empty()
        && image.pixel_format == PixelFormat::Rgb
        && image.data.len() == 3 * width * height;
    Some(DecodedJpeg {
        width: u32::try_from(width).ok()?,
        height: u32::try_from(height).ok()?,
        pixels: image.data,
    })
    .filter(|_| whole)
}
