//! The tensor operations against their twin, which is PIL's to the bit.

use std::ops::Range;

use proptest::prelude::*;
use tch::{Device, Kind, Tensor};
use udi_views::{Image, JitterStep, PixelBox, Renderer, ViewRecipe};

use super::{Crop, View, chunks, render_views};
use crate::{BatchShape, MultiCropBatch, Pixels};

/// Share of the values that may be further than one level away: spec/method.md section 2 leaves 0.1 %. Over many views: a crop of
/// one pixel fills a whole view with its value.
const SHARE: f64 = 0.001;
/// Largest mean difference in levels. All of a view is off by one where the mean that contrast turns about is rounded the
/// other way; 0.001 is usual over 250 views, 0.011 the most that some hundred runs showed.
const MEAN: f64 = 0.05;

struct Picture {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
}

impl Picture {
    fn image(&self) -> Image<'_> {
        Image::new(&self.pixels, self.width, self.height).unwrap()
    }
}

/// Smooth colours with noise, as a photograph has them.
fn picture(width: u32, height: u32, seed: u32) -> Picture {
    let mut state = seed;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 24) / 255.0
    };
    let mut pixels = Vec::new();
    for row in 0..height {
        for column in 0..width {
            for channel in 0..3u32 {
                let wave = f64::from(row * (channel + 1) + column * (3 - channel)) / 17.0;
                let level = 128.0 + 90.0 * wave.sin() + 60.0 * (noise() - 0.5);
                pixels.push(level.clamp(0.0, 255.0) as u8);
            }
        }
    }
    Picture {
        pixels,
        width,
        height,
    }
}

fn step() -> impl Strategy<Value = JitterStep> {
    prop_oneof![
        (0.6..1.4).prop_map(JitterStep::Brightness),
        (0.6..1.4).prop_map(JitterStep::Contrast),
        (0.8..1.2).prop_map(JitterStep::Saturation),
        (-0.1..0.1).prop_map(JitterStep::Hue),
    ]
}

/// A view of a picture of this size.
fn recipe(width: u32, height: u32, size: u32) -> impl Strategy<Value = ViewRecipe> {
    let crop = (0..height, 0..width, 0.0..1.0, 0.0..1.0);
    let crop = crop.prop_map(
        move |(top, left, tall, wide): (u32, u32, f64, f64)| PixelBox {
            top,
            left,
            height: 1 + (f64::from(height - top - 1) * tall) as u32,
            width: 1 + (f64::from(width - left - 1) * wide) as u32,
        },
    );
    let blur = prop_oneof![Just(0.0), 0.1..2.0];
    let solarize = proptest::option::weighted(0.2, any::<u8>());
    let jitter = proptest::collection::vec(step(), 0..5);
    (crop, any::<bool>(), jitter, any::<bool>(), blur, solarize).prop_map(
        move |(crop, flipped, jitter, grayscale, blur_radius, solarize_threshold)| ViewRecipe {
            crop,
            size,
            flipped,
            jitter,
            grayscale,
            blur_radius,
            solarize_threshold,
        },
    )
}

/// Shares of values further away than one level, and the mean difference.
fn differences(images: &[Image], views: &[View], side: u32) -> (f64, f64) {
    let made = render_views(images, views, side, Device::Cpu).unwrap();
    let mut renderer = Renderer::default();
    let mut twin = Vec::new();
    for view in views {
        let mut out = vec![0; (3 * side * side) as usize];
        renderer
            .render(&images[view.image], view.recipe, &mut out)
            .unwrap();
        twin.extend(out);
    }
    let twin = Tensor::from_slice(&twin)
        .view_as(&made)
        .to_kind(Kind::Float);
    let levels = (made.to_kind(Kind::Float) - twin).abs();
    let far = levels.gt(1.0).to_kind(Kind::Float).mean(Kind::Double);
    (
        far.double_value(&[]),
        levels.mean(Kind::Double).double_value(&[]),
    )
}

const WIDTH: u32 = 61;
const HEIGHT: u32 = 47;

fn recipes(count: Range<usize>) -> impl Strategy<Value = Vec<(usize, ViewRecipe)>> {
    let any_view = |side| (0usize..2, recipe(WIDTH, HEIGHT, side));
    (24u32..48).prop_flat_map(move |side| proptest::collection::vec(any_view(side), count.clone()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn views_are_those_of_the_twin(recipes in recipes(200..300)) {
        let pictures = [picture(WIDTH, HEIGHT, 1), picture(WIDTH, HEIGHT, 2)];
        let images: Vec<Image> = pictures.iter().map(Picture::image).collect();
        let views: Vec<View> = recipes
            .iter()
            .map(|(image, recipe)| View { image: *image, recipe })
            .collect();
        let (far, mean) = differences(&images, &views, recipes[0].1.size);
        prop_assert!(far <= SHARE, "{far} of the values are further than one level away");
        prop_assert!(mean <= MEAN, "mean difference of {mean} levels");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_view_is_in_one_chunk_and_a_chunk_keeps_to_its_size(
        recipes in recipes(4..12),
        bytes in 1i64..100_000,
    ) {
        let pixels = picture(WIDTH, HEIGHT, 1);
        let image = pixels.image();
        let side = i64::from(recipes[0].1.size);
        let crops: Vec<Crop> = recipes.iter().map(|(_, recipe)| Crop::of(&image, 0, recipe)).collect();
        let chunks = chunks(&crops, side, bytes);
        let mut all = chunks.concat();
        all.sort_unstable();
        prop_assert_eq!(all, (0..crops.len()).collect::<Vec<_>>());
        for chunk in chunks {
            let largest = chunk.iter().map(|&view| crops[view].bytes(side)).max().unwrap();
            prop_assert!(chunk.len() == 1 || largest * chunk.len() as i64 <= bytes);
        }
    }
}

#[test]
fn a_view_that_cannot_be_made_is_refused() {
    let pixels = picture(WIDTH, HEIGHT, 1);
    let images = [pixels.image()];
    let recipe = ViewRecipe {
        crop: images[0].whole(),
        size: 8,
        flipped: false,
        jitter: Vec::new(),
        grayscale: false,
        blur_radius: 0.0,
        solarize_threshold: None,
    };
    let message = |image, recipe: &ViewRecipe, side| {
        let made = render_views(&images, &[View { image, recipe }], side, Device::Cpu);
        made.map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        message(1, &recipe, 8),
        "view: expected an image below 1, received 1"
    );
    assert_eq!(
        message(0, &recipe, 9),
        "view: expected views of side 9, received 8"
    );
    let blurred = ViewRecipe {
        blur_radius: -1.0,
        ..recipe
    };
    assert_eq!(
        message(0, &blurred, 8),
        "expected blur radius from 0 to 1000, received -1"
    );
}

#[test]
fn a_batch_made_on_the_device_is_the_one_made_of_the_views() {
    let pictures = [picture(WIDTH, HEIGHT, 1), picture(WIDTH, HEIGHT, 2)];
    let images: Vec<Image> = pictures.iter().map(Picture::image).collect();
    let recipe = |size, left| ViewRecipe {
        crop: PixelBox {
            top: 3,
            left,
            height: 20,
            width: 30,
        },
        size,
        flipped: left % 2 == 0,
        jitter: vec![JitterStep::Brightness(1.1)],
        grayscale: false,
        blur_radius: 0.0,
        solarize_threshold: None,
    };
    let globals: Vec<ViewRecipe> = (0..4).map(|left| recipe(16, left)).collect();
    let locals: Vec<ViewRecipe> = (0..6).map(|left| recipe(8, left)).collect();
    let views = |recipes| views_of(recipes, images.len());
    let shape = BatchShape {
        images: 2,
        global_size: 16,
        local_crops: 3,
        local_size: 8,
    };
    let (globals, locals) = (views(&globals), views(&locals));
    let bytes = |views: &[View], side| {
        let rendered = render_views(&images, views, side, Device::Cpu).unwrap();
        Vec::<u8>::try_from(rendered.flatten(0, -1)).unwrap()
    };
    let (of_globals, of_locals) = (bytes(&globals, 16), bytes(&locals, 8));
    let pixels = (Pixels::Bytes(&of_globals), Pixels::Bytes(&of_locals));
    let given = MultiCropBatch::new(shape, 8, pixels.0, pixels.1, None).unwrap();
    let views = (globals.as_slice(), locals.as_slice());
    let made = MultiCropBatch::rendered(Device::Cpu, shape, 8, &images, views, None).unwrap();
    let (given, made) = (
        given.load(Device::Cpu).unwrap(),
        made.load(Device::Cpu).unwrap(),
    );
    assert_eq!(given.globals, made.globals);
    assert_eq!(given.locals.unwrap(), made.locals.unwrap());
    let short = (&views.0[1..], views.1);
    let error = MultiCropBatch::rendered(Device::Cpu, shape, 8, &images, short, None);
    assert_eq!(
        error.map(|_| ()).unwrap_err().to_string(),
        "views: expected 2 of each of 2 images, received 3"
    );
}

/// A view of each recipe, of the images in turn.
fn views_of(recipes: &[ViewRecipe], images: usize) -> Vec<View<'_>> {
    let view = |(index, recipe): (usize, _)| View {
        image: index % images,
        recipe,
    };
    recipes.iter().enumerate().map(view).collect()
}
