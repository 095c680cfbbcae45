//! The evaluation view: the shorter side resized, then the centre cut out.

use std::ops::Range;

use crate::{
    Image, Order, Renderer, ViewError, image::check_bytes, render::check_side, resize::Window,
};

/// How a centre crop lies over one axis.
#[derive(Debug, PartialEq)]
struct CentreCut {
    /// Pixels of the resized axis that are kept.
    kept: Range<usize>,
    /// Zeros before them.
    before: usize,
}

/// torchvision's `Resize`: the shorter side becomes `shorter`, the other keeps the ratio, cut to an integer.
fn resized_size(image: &Image, shorter: u32) -> [usize; 2] {
    let (height, width) = (image.height(), image.width());
    let (short, long) = (height.min(width), height.max(width));
    let longer = (f64::from(shorter) * f64::from(long) / f64::from(short)) as usize;
    if height <= width {
        [shorter as usize, longer]
    } else {
        [longer, shorter as usize]
    }
}

/// torchvision's `CenterCrop` along one axis: pads what is missing, rounds halves of the start to even.
fn centre_cut(length: usize, crop: usize) -> CentreCut {
    if crop > length {
        return CentreCut {
            kept: 0..length,
            before: (crop - length) / 2,
        };
    }
    let start = ((length - crop) as f64 / 2.0).round_ties_even() as usize;
    CentreCut {
        kept: start..start + crop,
        before: 0,
    }
}

/// Copies planes into the middle of larger planes of zeros.
fn pad(planes: &[u8], rows: &CentreCut, columns: &CentreCut, side: usize, out: &mut [u8]) {
    let (height, width) = (rows.kept.len(), columns.kept.len());
    out.fill(0);
    for (index, row) in planes.chunks_exact(width).enumerate() {
        let (channel, row_index) = (index / height, index % height + rows.before);
        let first = (channel * side + row_index) * side + columns.before;
        out[first..first + width].copy_from_slice(row);
    }
}

impl Renderer {
    /// Resizes the shorter side to `resize_to`, cuts the centre `crop` x `crop` out (with zeros where
    /// the resized image is smaller) and writes it to `out` as planar `[3, crop, crop]` bytes.
    pub fn evaluation_view(
        &mut self,
        image: &Image,
        resize_to: u32,
        crop: u32,
        out: &mut [u8],
    ) -> Result<(), ViewError> {
        check_side("resized side", resize_to)?;
        check_side("centre crop", crop)?;
        check_bytes(out.len(), crop, crop)?;
        let side = crop as usize;
        let full = resized_size(image, resize_to);
        let [rows, columns] = full.map(|length| centre_cut(length, side));
        let window = Window {
            full,
            rows: rows.kept.clone(),
            columns: columns.kept.clone(),
            order: Order::Forward,
        };
        let area = rows.kept.len() * columns.kept.len();
        if area == side * side {
            self.resizer.resize(image, &image.whole(), &window, out);
        } else {
            let mut planes = vec![0; 3 * area];
            self.resizer
                .resize(image, &image.whole(), &window, &mut planes);
            pad(&planes, &rows, &columns, side, out);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_to_even() {
        for (length, start) in [(9, 0), (11, 2), (13, 2), (15, 4), (10, 1), (8, 0)] {
            assert_eq!(centre_cut(length, 8).kept, start..start + 8);
        }
    }

    #[test]
    fn a_small_image_is_padded_with_zeros() {
        let pixels = [50; 3 * 2 * 4];
        let image = Image::new(&pixels, 4, 2).unwrap();
        let mut out = [1; 3 * 5 * 5];
        Renderer::default()
            .evaluation_view(&image, 2, 5, &mut out)
            .unwrap();
        let row = [50, 50, 50, 50, 0];
        let plane = [[0; 5], row, row, [0; 5], [0; 5]].concat();
        assert_eq!(out.to_vec(), plane.repeat(3));
    }

    #[test]
    fn refuses_a_buffer_of_another_length() {
        let pixels = [50; 3 * 2 * 4];
        let image = Image::new(&pixels, 4, 2).unwrap();
        let error = Renderer::default()
            .evaluation_view(&image, 2, 5, &mut [0; 74])
            .unwrap_err();
        assert!(matches!(error, ViewError::PixelBytes { .. }), "{error}");
    }
}
