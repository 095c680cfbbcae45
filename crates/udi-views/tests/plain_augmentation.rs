//! The operations of RandAugment against twins of themselves that are written one pixel at a time, as PIL's documentation of
//! each reads: the bytes are equal for images of any size and numbers of any kind.

use proptest::prelude::*;
use udi_views::{
    Augmentation, AugmentedRecipe, Image, Interpolation, JitterStep, PixelBox, Renderer, Warp,
};

type Pixels = Vec<[u8; 3]>;

const FILL: [u8; 3] = [124, 116, 104];

#[derive(Debug, Clone)]
struct Case {
    image: Pixels,
    width: usize,
    height: usize,
    flipped: bool,
    augmentations: Vec<Augmentation>,
}

mod twin {
    use super::*;

    struct Picture {
        pixels: Pixels,
        width: i64,
        height: i64,
    }

    impl Picture {
        /// The nearest pixel inside.
        fn at(&self, column: i64, row: i64, channel: usize) -> u8 {
            let (column, row) = (
                column.clamp(0, self.width - 1),
                row.clamp(0, self.height - 1),
            );
            self.pixels[(row * self.width + column) as usize][channel]
        }

        fn each_value(&mut self, change: impl Fn(u8) -> u8) {
            for value in self.pixels.as_flattened_mut() {
                *value = change(*value);
            }
        }

        /// Replaces each channel's values by what `table` makes of all of them.
        fn each_channel(&mut self, table: impl Fn(&[u8], u8) -> u8) {
            for channel in 0..3 {
                let values: Vec<u8> = self.pixels.iter().map(|pixel| pixel[channel]).collect();
                for pixel in &mut self.pixels {
                    pixel[channel] = table(&values, pixel[channel]);
                }
            }
        }

        fn each_place(&mut self, change: impl Fn(&Self, [i64; 2], usize) -> u8) {
            let places =
                (0..self.height).flat_map(|row| (0..self.width).map(move |column| [column, row]));
            let changed = places.map(|place| [0, 1, 2].map(|channel| change(self, place, channel)));
            self.pixels = changed.collect();
        }
    }

    fn stretched(values: &[u8], value: u8) -> u8 {
        let (low, high) = (*values.iter().min().unwrap(), *values.iter().max().unwrap());
        if low == high {
            return value;
        }
        let scale = 255.0 / f64::from(high - low);
        (f64::from(value) * scale - f64::from(low) * scale).clamp(0.0, 255.0) as u8
    }

    fn equalized(values: &[u8], value: u8) -> u8 {
        let lightest = values.iter().max().unwrap();
        let others = values.iter().filter(|value| *value != lightest).count();
        let step = others / 255;
        if step == 0 {
            return value;
        }
        let below = values.iter().filter(|&&other| other < value).count();
        ((step / 2 + below) / step).min(255) as u8
    }

    fn blend(from: u8, to: u8, factor: f64) -> u8 {
        let (from, to) = (f32::from(from), f32::from(to));
        (from + factor as f32 * (to - from)).clamp(0.0, 255.0) as u8
    }

    fn sharpened(picture: &Picture, [column, row]: [i64; 2], channel: usize, factor: f64) -> u8 {
        let value = picture.at(column, row, channel);
        let inside =
            (1..picture.width - 1).contains(&column) && (1..picture.height - 1).contains(&row);
        if !inside {
            return value;
        }
        let mut smooth = 0.5;
        for (right, down) in (-1..=1).flat_map(|right| (-1..=1).map(move |down| (right, down))) {
            let weight = if (right, down) == (0, 0) { 5.0 } else { 1.0 };
            smooth += f64::from(picture.at(column + right, row + down, channel)) * weight / 13.0;
        }
        blend(smooth as u8, value, factor)
    }

    fn luma([red, green, blue]: [u8; 3]) -> u8 {
        let sum = u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471;
        ((sum + 0x8000) >> 16) as u8
    }

    fn recoloured(picture: &mut Picture, step: JitterStep) {
        let luma_of = |pixel: &[u8; 3]| f64::from(luma(*pixel));
        let count = picture.pixels.len() as f64;
        let mean = (picture.pixels.iter().map(luma_of).sum::<f64>() / count + 0.5) as u8;
        for pixel in &mut picture.pixels {
            *pixel = match step {
                JitterStep::Brightness(factor) => pixel.map(|value| blend(0, value, factor)),
                JitterStep::Contrast(factor) => pixel.map(|value| blend(mean, value, factor)),
                JitterStep::Saturation(factor) => {
                    let grey = luma(*pixel);
                    pixel.map(|value| blend(grey, value, factor))
                }
                JitterStep::Hue(_) => unreachable!("RandAugment has none"),
            };
        }
    }

    /// Where a pixel's centre is read from.
    fn source(warp: Warp, picture: &Picture, [x, y]: [f64; 2]) -> [f64; 2] {
        match warp {
            Warp::ShearX(factor) => [x + factor * y, y],
            Warp::ShearY(factor) => [x, factor * x + y],
            Warp::TranslateX(pixels) => [x + pixels, y],
            Warp::TranslateY(pixels) => [x, y + pixels],
            Warp::Rotate(degrees) => {
                let angle = -(degrees.rem_euclid(360.0) * (std::f64::consts::PI / 180.0));
                let rounded = |number: f64| format!("{number:.15}").parse::<f64>().unwrap();
                let (cosine, sine, negative) = (
                    rounded(angle.cos()),
                    rounded(angle.sin()),
                    rounded(-angle.sin()),
                );
                let (right, below) = (picture.width as f64 / 2.0, picture.height as f64 / 2.0);
                let start_x = cosine * -right + sine * -below + right;
                let start_y = negative * -right + cosine * -below + below;
                [
                    cosine * x + sine * y + start_x,
                    negative * x + cosine * y + start_y,
                ]
            }
        }
    }

    fn cubic([a, b, c, d]: [f64; 4], part: f64) -> f64 {
        let (first, second, third) = (c - a, 2.0 * (a - b) + c - d, b - a - c + d);
        b + part * (first + part * (second + part * third))
    }

    fn read(
        picture: &Picture,
        (warp, interpolation): (Warp, Interpolation),
        [column, row]: [i64; 2],
        channel: usize,
    ) -> u8 {
        let [x, y] = source(warp, picture, [column as f64 + 0.5, row as f64 + 0.5]);
        let inside = x >= 0.0 && y >= 0.0 && x < picture.width as f64 && y < picture.height as f64;
        if !inside {
            return FILL[channel];
        }
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let value = |right: i64, down: i64| {
            f64::from(picture.at(left as i64 + right, top as i64 + down, channel))
        };
        let found = match interpolation {
            Interpolation::Bilinear => {
                let across = |down| value(0, down) + (value(1, down) - value(0, down)) * (x - left);
                across(0) + (across(1) - across(0)) * (y - top)
            }
            Interpolation::Bicubic => {
                let across = |down| cubic([-1, 0, 1, 2].map(|right| value(right, down)), x - left);
                cubic([-1, 0, 1, 2].map(across), y - top)
            }
        };
        found.clamp(0.0, 255.0) as u8
    }

    fn change(picture: &mut Picture, augmentation: Augmentation) {
        match augmentation {
            Augmentation::AutoContrast => picture.each_channel(stretched),
            Augmentation::Equalize => picture.each_channel(equalized),
            Augmentation::Invert => picture.each_value(|value| 255 - value),
            Augmentation::Posterize(bits) => {
                let step = 1u16 << (8 - bits);
                picture.each_value(|value| (u16::from(value) / step * step) as u8);
            }
            Augmentation::Solarize(threshold) => picture.each_value(|value| {
                let light = u16::from(value) >= threshold;
                if light { 255 - value } else { value }
            }),
            Augmentation::SolarizeAdd(amount) => picture.each_value(|value| {
                let lighter = (u16::from(value) + u16::from(amount)).min(255) as u8;
                if value < 128 { lighter } else { value }
            }),
            Augmentation::Colour(step) => recoloured(picture, step),
            Augmentation::Sharpness(factor) => picture
                .each_place(|picture, place, channel| sharpened(picture, place, channel, factor)),
            Augmentation::Warp(warp, interpolation) => {
                picture.each_place(|picture, place, channel| {
                    read(picture, (warp, interpolation), place, channel)
                })
            }
        }
    }

    pub fn changed(case: &Case) -> Pixels {
        let mut picture = Picture {
            pixels: case.image.clone(),
            width: case.width as i64,
            height: case.height as i64,
        };
        if case.flipped {
            picture
                .pixels
                .chunks_exact_mut(case.width)
                .for_each(<[_]>::reverse);
        }
        for &augmentation in &case.augmentations {
            change(&mut picture, augmentation);
        }
        picture.pixels
    }
}

fn warp() -> impl Strategy<Value = Warp> {
    prop_oneof![
        (-400.0..400.0).prop_map(Warp::Rotate),
        prop::sample::select(vec![0.0, -0.0, 90.0, 180.0, 270.0]).prop_map(Warp::Rotate),
        (-1.5..1.5).prop_map(Warp::ShearX),
        (-1.5..1.5).prop_map(Warp::ShearY),
        (-60.0..60.0).prop_map(Warp::TranslateX),
        (-60.0..60.0).prop_map(Warp::TranslateY),
        (-5i8..5).prop_map(|pixels| Warp::TranslateX(pixels.into())),
    ]
}

fn augmentation() -> impl Strategy<Value = Augmentation> {
    let interpolation =
        || prop::sample::select(vec![Interpolation::Bilinear, Interpolation::Bicubic]);
    prop_oneof![
        Just(Augmentation::AutoContrast),
        Just(Augmentation::Equalize),
        Just(Augmentation::Invert),
        (0u8..=8).prop_map(Augmentation::Posterize),
        (0u16..=256).prop_map(Augmentation::Solarize),
        any::<u8>().prop_map(Augmentation::SolarizeAdd),
        (0.0..2.5).prop_map(|factor| Augmentation::Colour(JitterStep::Brightness(factor))),
        (0.0..2.5).prop_map(|factor| Augmentation::Colour(JitterStep::Contrast(factor))),
        (0.0..2.5).prop_map(|factor| Augmentation::Colour(JitterStep::Saturation(factor))),
        (0.0..2.5).prop_map(Augmentation::Sharpness),
        (warp(), interpolation()).prop_map(|(warp, filter)| Augmentation::Warp(warp, filter)),
    ]
}

/// Noise, noise of few values, and one colour.
fn pixels(count: usize) -> impl Strategy<Value = Pixels> {
    let noise = prop::collection::vec(any::<[u8; 3]>(), count);
    let few = prop::collection::vec([100u8..103, 7..9, 254..255], count);
    let one = any::<[u8; 3]>().prop_map(move |colour| vec![colour; count]);
    prop_oneof![4 => noise, 2 => few, 1 => one]
}

fn case() -> impl Strategy<Value = Case> {
    let augmentations = prop::collection::vec(augmentation(), 1..4);
    (1usize..50, 1usize..40, any::<bool>(), augmentations).prop_flat_map(
        |(width, height, flipped, augmentations)| {
            pixels(width * height).prop_map(move |image| Case {
                image,
                width,
                height,
                flipped,
                augmentations: augmentations.clone(),
            })
        },
    )
}

/// The square at `[left, top]`, as large as the image lets it be.
fn rendered(case: &Case, [left, top]: [usize; 2], side: usize, renderer: &mut Renderer) -> Vec<u8> {
    let bytes = case.image.as_flattened();
    let image = Image::new(bytes, case.width as u32, case.height as u32).unwrap();
    let [left, top, size] = [left, top, side].map(|number| number as u32);
    let recipe = AugmentedRecipe {
        flipped: case.flipped,
        augmentations: case.augmentations.clone(),
        fill: FILL,
        crop: PixelBox {
            top,
            left,
            height: size,
            width: size,
        },
        size,
    };
    let mut planes = vec![0; 3 * side * side];
    renderer
        .augmented_view(&image, &recipe, &mut planes)
        .unwrap();
    planes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_operation_is_that_of_the_twin(cases in prop::collection::vec(case(), 2)) {
        // One renderer for both: what the first image leaves in its memory must not be seen in the second.
        let mut renderer = Renderer::default();
        for case in cases {
            let changed = twin::changed(&case);
            let side = case.width.min(case.height);
            for [left, top] in [[0, 0], [case.width - side, case.height - side]] {
                let view = rendered(&case, [left, top], side, &mut renderer);
                for (at, &value) in view.iter().enumerate() {
                    let (channel, row, column) = (at / side / side, at / side % side, at % side);
                    let expected = changed[(top + row) * case.width + left + column][channel];
                    prop_assert_eq!(value, expected, "channel {}, row {}, column {}", channel, row, column);
                }
            }
        }
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    let pixels = [7; 3 * 4 * 4];
    let image = Image::new(&pixels, 4, 4).unwrap();
    let refused = [
        Augmentation::Posterize(9),
        Augmentation::Solarize(257),
        Augmentation::Sharpness(-0.1),
        Augmentation::Colour(JitterStep::Contrast(f64::NAN)),
        Augmentation::Warp(Warp::Rotate(f64::NAN), Interpolation::Bilinear),
        Augmentation::Warp(Warp::TranslateX(1e9), Interpolation::Bicubic),
    ];
    for augmentation in refused {
        let recipe = AugmentedRecipe {
            flipped: false,
            augmentations: vec![augmentation],
            fill: FILL,
            crop: image.whole(),
            size: 4,
        };
        let mut out = [9; 48];
        let error = Renderer::default()
            .augmented_view(&image, &recipe, &mut out)
            .unwrap_err();
        assert!(error.to_string().starts_with("expected"), "{error}");
        assert_eq!(out, [9; 48], "nothing was written");
    }
}
