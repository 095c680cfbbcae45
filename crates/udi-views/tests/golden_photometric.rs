//! Compares every operation with what PIL made of the same pixels.
//!
//! A tensor's name says what was done, so a new case of a known operation needs no code here.

use std::{env, fs, path::PathBuf};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use udi_views::{Image, JitterStep, PixelBox, Planes, Renderer, ViewRecipe};

const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
/// Share of the values that must be within one level.
const SHARE: f64 = 0.999;

struct Input {
    pixels: Vec<u8>,
    width: u32,
    height: u32,
}

impl Input {
    fn image(&self) -> Image<'_> {
        Image::new(&self.pixels, self.width, self.height).unwrap()
    }
}

fn golden_file() -> PathBuf {
    let folder = env::var_os("UDI_GOLDEN_DIR").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../test/golden/data"
            ))
        },
        PathBuf::from,
    );
    folder.join("photometric/pil.safetensors")
}

fn plain(image: &Image) -> ViewRecipe {
    ViewRecipe {
        crop: image.whole(),
        size: 1,
        flipped: false,
        jitter: Vec::new(),
        grayscale: false,
        blur_radius: 0.0,
        solarize_threshold: None,
    }
}

/// A step such as `hue-0.1` or, in a case of its own, `hue_-0.1`.
fn jitter_step(text: &str) -> Option<JitterStep> {
    let split = text.find(|letter: char| !letter.is_ascii_alphabetic())?;
    let (name, factor) = text.split_at(split);
    let factor = factor.trim_start_matches('_').parse().ok()?;
    Some(match name {
        "brightness" => JitterStep::Brightness(factor),
        "contrast" => JitterStep::Contrast(factor),
        "saturation" => JitterStep::Saturation(factor),
        "hue" => JitterStep::Hue(factor),
        _ => return None,
    })
}

fn operations(name: &str, image: &Image) -> Option<ViewRecipe> {
    let mut recipe = plain(image);
    if let Some(steps) = name.strip_prefix("chain_") {
        recipe.jitter = steps.split('_').map(jitter_step).collect::<Option<_>>()?;
    } else if let Some(radius) = name.strip_prefix("blur_") {
        recipe.blur_radius = radius.parse().ok()?;
    } else if let Some(threshold) = name.strip_prefix("solarize_") {
        recipe.solarize_threshold = Some(threshold.parse().ok()?);
    } else if name == "grayscale" {
        recipe.grayscale = true;
    } else if name == "hflip" {
        recipe.flipped = true;
    } else if name != "normalized" {
        recipe.jitter = vec![jitter_step(name)?];
    }
    Some(recipe)
}

/// `crop_TOP_LEFT_HEIGHTxWIDTH_bicubic_SIZE`.
fn crop(name: &str, image: &Image) -> Option<ViewRecipe> {
    let (place, size) = name.strip_prefix("crop_")?.split_once("_bicubic_")?;
    let numbers: Vec<u32> = place
        .split(['_', 'x'])
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    let [top, left, height, width] = numbers.try_into().ok()?;
    Some(ViewRecipe {
        crop: PixelBox {
            top,
            left,
            height,
            width,
        },
        size: size.parse().ok()?,
        ..plain(image)
    })
}

fn planar(pixels: &[u8]) -> Vec<u8> {
    let channel = |channel: usize| pixels.iter().skip(channel).step_by(3).copied();
    (0..3).flat_map(channel).collect()
}

/// What the crate makes of the case `name`, as planar bytes.
fn produce(name: &str, input: &Input, renderer: &mut Renderer) -> Option<Vec<u8>> {
    let image = input.image();
    if let Some(sizes) = name.strip_prefix("eval_resize") {
        let (resize, side) = sizes.split_once("_center")?;
        let side: u32 = side.parse().ok()?;
        let mut out = vec![0; (3 * side * side) as usize];
        renderer
            .evaluation_view(&image, resize.parse().ok()?, side, &mut out)
            .unwrap();
        return Some(out);
    }
    if let Some(recipe) = crop(name, &image) {
        let mut out = vec![0; (3 * recipe.size * recipe.size) as usize];
        renderer.render(&image, &recipe, &mut out).unwrap();
        return Some(out);
    }
    let recipe = operations(name, &image)?;
    let mut out = planar(&input.pixels);
    let mut planes = Planes::new(&mut out, input.width, input.height).unwrap();
    renderer.apply_operations(&mut planes, &recipe).unwrap();
    Some(out)
}

/// The golden tensor as planar levels from 0 to 255.
fn levels(view: &TensorView) -> Vec<f32> {
    match view.dtype() {
        Dtype::U8 => planar(view.data()).into_iter().map(f32::from).collect(),
        Dtype::F32 => {
            let (values, _) = view.data().as_chunks::<4>();
            let area = values.len() / 3;
            let level = |(index, bytes): (usize, &[u8; 4])| {
                let channel = index / area;
                (f32::from_le_bytes(*bytes) * DEVIATION[channel] + MEAN[channel]) * 255.0
            };
            values.iter().enumerate().map(level).collect()
        }
        other => panic!("expected U8 or F32, received {other:?}"),
    }
}

/// Share within one level, share within a thousandth of a level, largest error.
fn compare(produced: &[u8], expected: &[f32]) -> [f64; 3] {
    assert_eq!(produced.len(), expected.len());
    let errors: Vec<f64> = produced
        .iter()
        .zip(expected)
        .map(|(&byte, &level)| f64::from((f32::from(byte) - level).abs()))
        .collect();
    let share = |limit: f64| {
        errors.iter().filter(|&&error| error <= limit).count() as f64 / errors.len() as f64
    };
    let largest = errors.iter().copied().fold(0.0, f64::max);
    [share(1.001), share(0.001), largest]
}

#[test]
fn every_case_is_within_one_level() {
    let path = golden_file();
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let view = tensors.tensor("input").unwrap();
    let input = Input {
        pixels: view.data().to_vec(),
        width: view.shape()[1] as u32,
        height: view.shape()[0] as u32,
    };
    let mut names: Vec<_> = tensors.names().into_iter().collect();
    names.retain(|&name| name != "input");
    names.sort_unstable();
    assert!(!names.is_empty(), "no case in {}", path.display());
    // One for all: what a view leaves behind in its memory must not be seen in the next.
    let mut renderer = Renderer::default();
    let mut failed = Vec::new();
    for name in names {
        let produced = produce(name, &input, &mut renderer)
            .unwrap_or_else(|| panic!("no known operation is named {name}"));
        let [close, equal, largest] = compare(&produced, &levels(&tensors.tensor(name).unwrap()));
        println!(
            "{name}: largest error {largest:.4}, equal {:.3} %",
            100.0 * equal
        );
        if close < SHARE {
            failed.push(format!("{name}: {:.3} % within 1 level", 100.0 * close));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
