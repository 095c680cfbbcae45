//! One training view: crop, resize, flip, colour jitter, grey, blur, solarise.

use std::{
    ops::AddAssign,
    time::{Duration, Instant},
};

use crate::{
    Image, JitterStep, Order, Planes, ViewError, ViewRecipe,
    augmented::Canvas,
    blur::Blur,
    brightness::adjust_brightness,
    contrast::adjust_contrast,
    flip::flip,
    grayscale::grayscale,
    hue::adjust_hue,
    image::check_bytes,
    resize::{Resizer, Window},
    saturation::adjust_saturation,
    solarize::solarize,
};

/// Largest side of a view, in pixels.
pub(crate) const MAX_SIDE: u32 = 1 << 14;

/// Checks the side of a view.
pub(crate) fn check_side(name: &'static str, received: u32) -> Result<(), ViewError> {
    if (1..=MAX_SIDE).contains(&received) {
        return Ok(());
    }
    Err(ViewError::Size {
        name,
        limit: MAX_SIDE,
        received,
    })
}

/// Time that the parts of a view, or of several, took.
#[derive(Debug, Clone, Copy, Default)]
pub struct RenderTime {
    /// Crop, resize and flip.
    pub resize: Duration,
    /// Everything that follows.
    pub photometric: Duration,
}

impl AddAssign for RenderTime {
    fn add_assign(&mut self, other: Self) {
        self.resize += other.resize;
        self.photometric += other.photometric;
    }
}

/// Makes views on one thread; keeps the memory that it works in, so that a view allocates nothing.
#[derive(Debug, Default)]
pub struct Renderer {
    pub(crate) resizer: Resizer,
    pub(crate) canvas: Canvas,
    blur: Blur,
}

impl Renderer {
    /// Makes the view of `recipe` and writes it to `out` as planar `[3, size, size]` bytes.
    ///
    /// Nothing is written when the image, the recipe or the buffer is refused.
    pub fn render(
        &mut self,
        image: &Image,
        recipe: &ViewRecipe,
        out: &mut [u8],
    ) -> Result<RenderTime, ViewError> {
        recipe.check(image)?;
        check_bytes(out.len(), recipe.size, recipe.size)?;
        let start = Instant::now();
        self.resizer
            .resize(image, &recipe.crop, &Window::of(recipe), out);
        let resized = Instant::now();
        self.recolour(&mut Planes::new(out, recipe.size, recipe.size)?, recipe);
        Ok(RenderTime {
            resize: resized - start,
            photometric: resized.elapsed(),
        })
    }

    /// Applies everything of `recipe` that follows the resize, in place, to planes of any size.
    pub fn apply_operations(
        &mut self,
        planes: &mut Planes,
        recipe: &ViewRecipe,
    ) -> Result<(), ViewError> {
        recipe.check_operations()?;
        if recipe.flipped {
            flip(planes);
        }
        self.recolour(planes, recipe);
        Ok(())
    }

    fn recolour(&mut self, planes: &mut Planes, recipe: &ViewRecipe) {
        for &step in &recipe.jitter {
            jitter(planes, step);
        }
        if recipe.grayscale {
            grayscale(planes);
        }
        if recipe.blur_radius > 0.0 {
            self.blur.gaussian(planes, recipe.blur_radius);
        }
        if let Some(threshold) = recipe.solarize_threshold {
            solarize(planes, threshold);
        }
    }
}

impl Window {
    /// The whole of a training view.
    fn of(recipe: &ViewRecipe) -> Self {
        let order = if recipe.flipped {
            Order::Mirrored
        } else {
            Order::Forward
        };
        Self::square(recipe.size, order)
    }

    /// The whole of a square view.
    pub(crate) fn square(side: u32, order: Order) -> Self {
        let side = side as usize;
        Self {
            full: [side, side],
            rows: 0..side,
            columns: 0..side,
            order,
        }
    }
}

pub(crate) fn jitter(planes: &mut Planes, step: JitterStep) {
    match step {
        JitterStep::Brightness(factor) => adjust_brightness(planes, factor),
        JitterStep::Contrast(factor) => adjust_contrast(planes, factor),
        JitterStep::Saturation(factor) => adjust_saturation(planes, factor),
        JitterStep::Hue(turns) => adjust_hue(planes, turns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PixelBox;

    fn render(image: &Image, recipe: &ViewRecipe, out: &mut [u8]) -> Result<(), ViewError> {
        Renderer::default().render(image, recipe, out).map(drop)
    }

    const WIDTH: u32 = 23;
    const HEIGHT: u32 = 19;

    fn noise() -> Vec<u8> {
        let mut state = 1u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        std::iter::repeat_with(next)
            .take((3 * WIDTH * HEIGHT) as usize)
            .collect()
    }

    fn plain(top: u32, left: u32, side: u32) -> ViewRecipe {
        ViewRecipe {
            crop: PixelBox {
                top,
                left,
                height: side,
                width: side,
            },
            size: side,
            flipped: false,
            jitter: Vec::new(),
            grayscale: false,
            blur_radius: 0.0,
            solarize_threshold: None,
        }
    }

    #[test]
    fn crop_of_the_views_size_is_the_identity() {
        let pixels = noise();
        let image = Image::new(&pixels, WIDTH, HEIGHT).unwrap();
        for (side, top, left) in (1..=HEIGHT).map(|side| (side, (HEIGHT - side) / 2, WIDTH - side))
        {
            let area = (side * side) as usize;
            let mut out = vec![0; 3 * area];
            render(&image, &plain(top, left, side), &mut out).unwrap();
            for index in 0..3 * side * side {
                let (channel, rest) = (index / (side * side), index % (side * side));
                let (row, column) = (top + rest / side, left + rest % side);
                let source = 3 * (row * WIDTH + column) + channel;
                assert_eq!(out[index as usize], pixels[source as usize]);
            }
        }
    }

    #[test]
    fn one_colour_stays_one_colour_at_any_scale() {
        let pixels = [200, 30, 7].repeat((WIDTH * HEIGHT) as usize);
        let image = Image::new(&pixels, WIDTH, HEIGHT).unwrap();
        for size in [1, 5, 31, 64] {
            let recipe = ViewRecipe {
                size,
                crop: image.whole(),
                blur_radius: 40.0,
                ..plain(0, 0, 1)
            };
            let area = (size * size) as usize;
            let mut out = vec![0; 3 * area];
            render(&image, &recipe, &mut out).unwrap();
            for (plane, value) in out.chunks_exact(area).zip([200u8, 30, 7]) {
                assert!(plane.iter().all(|byte| byte.abs_diff(value) <= 1));
            }
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let pixels = noise();
        let image = Image::new(&pixels, WIDTH, HEIGHT).unwrap();
        let mut out = vec![9; 3 * 8 * 8];
        let outside = render(&image, &plain(12, 0, 8), &mut out).unwrap_err();
        assert_eq!(
            outside.to_string(),
            "expected a non-empty crop inside an image of 23x19, received top 12, left 0, 8x8"
        );
        let short = render(&image, &plain(0, 0, 8), &mut out[1..]).unwrap_err();
        assert_eq!(
            short.to_string(),
            "expected 192 bytes for 8x8 RGB pixels, received 191 bytes"
        );
        let size = ViewRecipe {
            size: 0,
            ..plain(0, 0, 8)
        };
        let size = render(&image, &size, &mut out).unwrap_err();
        assert_eq!(
            size.to_string(),
            "expected view size from 1 to 16384, received 0"
        );
        assert!(out.iter().all(|&byte| byte == 9), "nothing was written");
    }

    #[test]
    fn refuses_numbers_out_of_range() {
        let pixels = noise();
        let image = Image::new(&pixels, WIDTH, HEIGHT).unwrap();
        let steps = [
            JitterStep::Brightness(-0.1),
            JitterStep::Contrast(f64::NAN),
            JitterStep::Saturation(f64::INFINITY),
            JitterStep::Hue(0.51),
            JitterStep::Hue(f64::NAN),
        ];
        let jitters = steps.map(|step| ViewRecipe {
            jitter: vec![step],
            ..plain(0, 0, 8)
        });
        let blurs = [-1.0, f64::NAN, f64::INFINITY].map(|blur_radius| ViewRecipe {
            blur_radius,
            ..plain(0, 0, 8)
        });
        for recipe in jitters.into_iter().chain(blurs) {
            let error = render(&image, &recipe, &mut [0; 192]).unwrap_err();
            assert!(matches!(error, ViewError::Number { .. }), "{error}");
        }
    }
}
