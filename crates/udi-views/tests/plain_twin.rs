//! The renderer against a twin of itself that is written one pixel at a time, as PIL's documentation of each operation reads:
//! the bytes are equal for images, crops, views and recipes of any kind.

use proptest::prelude::*;
use udi_views::{Image, JitterStep, PixelBox, Renderer, ViewRecipe};

/// Interleaved RGB of a square view or of an image.
type Pixels = Vec<[u8; 3]>;

#[derive(Debug, Clone)]
struct Case {
    image: Pixels,
    width: usize,
    height: usize,
    recipe: ViewRecipe,
}

mod twin {
    use super::*;

    fn cubic(x: f64) -> f64 {
        let x = x.abs();
        if x < 1.0 {
            (1.5 * x - 2.5) * x * x + 1.0
        } else if x < 2.0 {
            (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5
        } else {
            0.0
        }
    }

    /// Resizes a line of bytes.
    fn resize_line(line: &[u8], output: usize) -> Vec<u8> {
        let scale = line.len() as f64 / output as f64;
        let stretch = scale.max(1.0);
        let pixel = |index: usize| {
            let center = (index as f64 + 0.5) * scale;
            let first = (center - 2.0 * stretch + 0.5).max(0.0) as usize;
            let end = ((center + 2.0 * stretch + 0.5) as usize).min(line.len());
            let weight = |at: usize| cubic((at as f64 - center + 0.5) * (1.0 / stretch));
            let sum: f64 = (first..end).map(weight).sum();
            let term = |at: usize| {
                let share = weight(at) / sum * f64::from(1 << 22);
                i64::from(line[at]) * (share + 0.5f64.copysign(share)) as i64
            };
            let total: i64 = (first..end).map(term).sum::<i64>() + (1 << 21);
            (total >> 22).clamp(0, 255) as u8
        };
        (0..output).map(pixel).collect()
    }

    /// Resizes every line of `length` values, and lays the results out as columns.
    fn resize_turned(plane: &[u8], length: usize, output: usize) -> Vec<u8> {
        let lines: Vec<_> = plane
            .chunks_exact(length)
            .map(|line| resize_line(line, output))
            .collect();
        let column = |at: usize| lines.iter().map(move |line| line[at]);
        (0..output).flat_map(column).collect()
    }

    fn resized(case: &Case) -> Pixels {
        let PixelBox {
            top,
            left,
            height,
            width,
        } = case.recipe.crop;
        let side = case.recipe.size as usize;
        let rows = (top..top + height).map(|row| row as usize * case.width + left as usize);
        let cropped: Pixels = rows
            .flat_map(|start| case.image[start..start + width as usize].to_vec())
            .collect();
        let planes: Vec<Vec<u8>> = (0..3)
            .map(|channel| {
                let plane: Vec<u8> = cropped.iter().map(|pixel| pixel[channel]).collect();
                let across = resize_turned(&plane, width as usize, side);
                resize_turned(&across, height as usize, side)
            })
            .collect();
        (0..side * side)
            .map(|at| [planes[0][at], planes[1][at], planes[2][at]])
            .collect()
    }

    fn luma([red, green, blue]: [u8; 3]) -> u8 {
        let sum = u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471;
        ((sum + 0x8000) >> 16) as u8
    }

    fn blend(from: u8, to: u8, factor: f64) -> u8 {
        let (from, to) = (f32::from(from), f32::from(to));
        (from + factor as f32 * (to - from)).clamp(0.0, 255.0) as u8
    }

    fn hue_saturation_value([red, green, blue]: [u8; 3]) -> [u8; 3] {
        let (max, min) = (red.max(green).max(blue), red.min(green).min(blue));
        if max == min {
            return [0, 0, max];
        }
        let range = f32::from(max - min);
        let [from_red, from_green, from_blue] =
            [red, green, blue].map(|value| f64::from(f32::from(max - value) / range));
        let sixths = if red == max {
            from_blue - from_green
        } else if green == max {
            2.0 + from_red - from_blue
        } else {
            4.0 + from_green - from_red
        } as f32;
        let hue = (f64::from(sixths) / 6.0 + 1.0).fract() as f32;
        let saturation = range / f32::from(max);
        let byte = |part: f32| (f64::from(part) * 255.0) as u8;
        [byte(hue), byte(saturation), max]
    }

    fn red_green_blue([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
        let sixths = f64::from(hue) * 6.0 / 255.0;
        let part = f64::from((sixths - sixths.floor()) as f32);
        let strength = f64::from((f64::from(saturation) / 255.0) as f32);
        let scaled = |share: f64| (f64::from(value) * share).round() as u8;
        let low = scaled(1.0 - strength);
        let falling = scaled(1.0 - strength * part);
        let rising = scaled(1.0 - strength * (1.0 - part));
        match sixths as u8 % 6 {
            0 => [value, rising, low],
            1 => [falling, value, low],
            2 => [low, value, rising],
            3 => [low, falling, value],
            4 => [rising, low, value],
            _ => [value, low, falling],
        }
    }

    fn jittered(view: Pixels, step: JitterStep) -> Pixels {
        let mean = view
            .iter()
            .map(|&pixel| f64::from(luma(pixel)))
            .sum::<f64>()
            / view.len() as f64;
        let mean = (mean + 0.5) as u8;
        let change = |pixel: [u8; 3]| match step {
            JitterStep::Brightness(factor) => pixel.map(|value| blend(0, value, factor)),
            JitterStep::Contrast(factor) => pixel.map(|value| blend(mean, value, factor)),
            JitterStep::Saturation(factor) => pixel.map(|value| blend(luma(pixel), value, factor)),
            JitterStep::Hue(turns) => {
                let [hue, saturation, value] = hue_saturation_value(pixel);
                let hue = hue.wrapping_add((turns * 255.0) as i32 as u8);
                red_green_blue([hue, saturation, value])
            }
        };
        view.into_iter().map(change).collect()
    }

    /// One of the three boxes: `radius` whole pixels on each side and a part of one more.
    fn box_blurred(line: &[u8], radius: f32) -> Vec<u8> {
        let whole = radius as i64;
        let inside = ((1u32 << 24) as f32 / (radius * 2.0 + 1.0)) as i64;
        let edge = ((1 << 24) - (whole * 2 + 1) * inside) / 2;
        let value = |at: i64| i64::from(line[at.clamp(0, line.len() as i64 - 1) as usize]);
        let pixel = |at: i64| {
            let middle: i64 = (at - whole..=at + whole).map(value).sum();
            let ends = value(at - whole - 1) + value(at + whole + 1);
            ((middle * inside + ends * edge + (1 << 23)) >> 24) as u8
        };
        (0..line.len() as i64).map(pixel).collect()
    }

    fn box_radius(radius: f32) -> f32 {
        let variance = radius * radius / 3.0;
        let length = (12.0 * f64::from(variance) + 1.0).sqrt() as f32;
        let whole = ((f64::from(length) - 1.0) / 2.0).floor() as f32;
        let above = (2.0 * whole + 1.0) * (whole * (whole + 1.0) - 3.0 * variance);
        whole + above / (6.0 * (variance - (whole + 1.0) * (whole + 1.0)))
    }

    fn blurred(view: Pixels, side: usize, radius: f64) -> Pixels {
        let radius = box_radius(radius as f32);
        let thrice = |line: Vec<u8>| (0..3).fold(line, |line, _| box_blurred(&line, radius));
        let mut view = view;
        for channel in 0..3 {
            for row in view.chunks_exact_mut(side) {
                let line = thrice(row.iter().map(|pixel| pixel[channel]).collect());
                row.iter_mut()
                    .zip(line)
                    .for_each(|(pixel, value)| pixel[channel] = value);
            }
            for column in 0..side {
                let places = (0..side).map(|row| row * side + column);
                let line = thrice(places.clone().map(|at| view[at][channel]).collect());
                places
                    .zip(line)
                    .for_each(|(at, value)| view[at][channel] = value);
            }
        }
        view
    }

    pub fn view(case: &Case) -> Pixels {
        let (recipe, side) = (&case.recipe, case.recipe.size as usize);
        let mut view = resized(case);
        if recipe.flipped {
            view.chunks_exact_mut(side).for_each(<[_]>::reverse);
        }
        view = recipe
            .jitter
            .iter()
            .fold(view, |view, &step| jittered(view, step));
        if recipe.grayscale {
            view.iter_mut().for_each(|pixel| *pixel = [luma(*pixel); 3]);
        }
        if recipe.blur_radius > 0.0 {
            view = blurred(view, side, recipe.blur_radius);
        }
        if let Some(threshold) = recipe.solarize_threshold {
            let solarized = |value: u8| {
                if value < threshold {
                    value
                } else {
                    255 - value
                }
            };
            view.iter_mut()
                .for_each(|pixel| *pixel = pixel.map(solarized));
        }
        view
    }
}

fn jitter_step() -> impl Strategy<Value = JitterStep> {
    prop_oneof![
        (0.0..2.5).prop_map(JitterStep::Brightness),
        (0.0..2.5).prop_map(JitterStep::Contrast),
        (0.0..2.5).prop_map(JitterStep::Saturation),
        (-0.5..0.5).prop_map(JitterStep::Hue),
    ]
}

fn recipe(width: usize, height: usize) -> impl Strategy<Value = ViewRecipe> {
    let axis =
        |length: usize| (1..=length).prop_flat_map(move |part| (0..=length - part, Just(part)));
    let crop = (axis(height), axis(width)).prop_map(|((top, height), (left, width))| PixelBox {
        top: top as u32,
        left: left as u32,
        height: height as u32,
        width: width as u32,
    });
    let blur = prop_oneof![Just(0.0), 0.1..6.0];
    let steps = prop::collection::vec(jitter_step(), 0..5);
    (
        crop,
        1u32..72,
        any::<[bool; 2]>(),
        steps,
        blur,
        any::<Option<u8>>(),
    )
        .prop_map(
            |(crop, size, [flipped, grayscale], jitter, blur_radius, solarize_threshold)| {
                ViewRecipe {
                    crop,
                    size,
                    flipped,
                    jitter,
                    grayscale,
                    blur_radius,
                    solarize_threshold,
                }
            },
        )
}

/// Noise, in which every value occurs, and steps, on which the filter overshoots.
fn pixels(count: usize) -> impl Strategy<Value = Pixels> {
    let noise = prop::collection::vec(any::<[u8; 3]>(), count);
    let steps = prop::collection::vec(
        prop::sample::select(vec![[0; 3], [255; 3], [255, 0, 9]]),
        count,
    );
    prop_oneof![noise, steps]
}

fn case() -> impl Strategy<Value = Case> {
    (1usize..90, 1usize..60).prop_flat_map(|(width, height)| {
        (pixels(width * height), recipe(width, height)).prop_map(move |(image, recipe)| Case {
            image,
            width,
            height,
            recipe,
        })
    })
}

fn rendered(case: &Case, renderer: &mut Renderer) -> Pixels {
    let bytes = case.image.as_flattened();
    let image = Image::new(bytes, case.width as u32, case.height as u32).unwrap();
    let area = (case.recipe.size * case.recipe.size) as usize;
    let mut planes = vec![0; 3 * area];
    renderer.render(&image, &case.recipe, &mut planes).unwrap();
    (0..area)
        .map(|at| [planes[at], planes[area + at], planes[2 * area + at]])
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_view_is_that_of_the_twin(cases in prop::collection::vec(case(), 2)) {
        // One renderer for both: what the first view leaves in its memory must not be seen in the second.
        let mut renderer = Renderer::default();
        for case in cases {
            prop_assert_eq!(rendered(&case, &mut renderer), twin::view(&case));
        }
    }
}

/// All colours, in which the hue's rounding has its corners, with the shifts of the published recipe and the farthest.
#[test]
fn hue_is_that_of_the_twin_for_every_colour() {
    let mut renderer = Renderer::default();
    for (slice, turns) in [0.1, -0.1, 0.037, -0.5].into_iter().enumerate() {
        for red in (slice..256).step_by(4) {
            let colour = |at: usize| [red as u8, (at / 256) as u8, (at % 256) as u8];
            let whole = PixelBox {
                top: 0,
                left: 0,
                height: 256,
                width: 256,
            };
            let case = Case {
                image: (0..1 << 16).map(colour).collect(),
                width: 256,
                height: 256,
                recipe: ViewRecipe {
                    crop: whole,
                    size: 256,
                    flipped: false,
                    jitter: vec![JitterStep::Hue(turns)],
                    grayscale: false,
                    blur_radius: 0.0,
                    solarize_threshold: None,
                },
            };
            assert_eq!(
                rendered(&case, &mut renderer),
                twin::view(&case),
                "red {red}"
            );
        }
    }
}
