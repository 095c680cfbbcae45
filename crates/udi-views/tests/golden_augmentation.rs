//! Every operation of RandAugment, bit for bit, against what PIL made of the same pixels (`pil/augmentations.py`).
//!
//! A tensor's name says what was done, so a new case of a known operation needs no code here.

use std::fs;

use safetensors::SafeTensors;
use udi_views::{Augmentation, AugmentedRecipe, Image, Interpolation, JitterStep, Renderer, Warp};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/pil/augmentations.safetensors"
);

/// `OPERATION`, `OPERATION_AMOUNT` or `OPERATION_AMOUNT_FILTER`.
fn augmentation(name: &str, image: &Image) -> Option<Augmentation> {
    let mut parts = name.split('_');
    let operation = parts.next()?;
    let amount = parts.next().map_or(Some(0.0), |text| text.parse().ok())?;
    let interpolation = match parts.next() {
        None => None,
        Some("bilinear") => Some(Interpolation::Bilinear),
        Some("bicubic") => Some(Interpolation::Bicubic),
        Some(_) => return None,
    };
    let warp = |warp| Some(Augmentation::Warp(warp, interpolation?));
    match operation {
        "AutoContrast" => Some(Augmentation::AutoContrast),
        "Equalize" => Some(Augmentation::Equalize),
        "Invert" => Some(Augmentation::Invert),
        "Posterize" => Some(Augmentation::Posterize(amount as u8)),
        "Solarize" => Some(Augmentation::Solarize(amount as u16)),
        "SolarizeAdd" => Some(Augmentation::SolarizeAdd(amount as u8)),
        "Color" => Some(Augmentation::Colour(JitterStep::Saturation(amount))),
        "Contrast" => Some(Augmentation::Colour(JitterStep::Contrast(amount))),
        "Brightness" => Some(Augmentation::Colour(JitterStep::Brightness(amount))),
        "Sharpness" => Some(Augmentation::Sharpness(amount)),
        "Rotate" => warp(Warp::Rotate(amount)),
        "ShearX" => warp(Warp::ShearX(amount)),
        "ShearY" => warp(Warp::ShearY(amount)),
        "TranslateXRel" => warp(Warp::TranslateX(amount * f64::from(image.width()))),
        "TranslateYRel" => warp(Warp::TranslateY(amount * f64::from(image.height()))),
        _ => None,
    }
}

/// The whole changed image, which is seen through two square views that the resize leaves as it is.
fn changed(image: &Image, augmentation: Augmentation, renderer: &mut Renderer) -> Vec<u8> {
    let (width, height) = (image.width(), image.height());
    let side = width.min(height);
    let mut out = vec![0; image.pixels().len()];
    for (top, left) in [(0, 0), (height - side, width - side)] {
        let recipe = AugmentedRecipe {
            flipped: false,
            augmentations: vec![augmentation],
            fill: [124, 116, 104],
            crop: udi_views::PixelBox {
                top,
                left,
                height: side,
                width: side,
            },
            size: side,
        };
        let mut view = vec![0; (3 * side * side) as usize];
        renderer.augmented_view(image, &recipe, &mut view).unwrap();
        for (at, &value) in view.iter().enumerate() {
            let at = at as u32;
            let (channel, row, column) = (at / side / side, at / side % side, at % side);
            let pixel = (top + row) * width + left + column;
            out[(3 * pixel + channel) as usize] = value;
        }
    }
    out
}

#[test]
fn every_operation_makes_the_bytes_that_pil_makes() {
    let bytes = fs::read(FILE).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut names: Vec<_> = tensors.names().into_iter().collect();
    names.sort_unstable();
    // One for all: what an image leaves behind in its memory must not be seen in the next.
    let mut renderer = Renderer::default();
    let mut failed = Vec::new();
    let mut cases = 0;
    for name in names {
        let Some((input, operation)) = name.split_once('/') else {
            continue;
        };
        let view = tensors.tensor(input).unwrap();
        let [height, width] = [view.shape()[0] as u32, view.shape()[1] as u32];
        let image = Image::new(view.data(), width, height).unwrap();
        let augmentation = augmentation(operation, &image)
            .unwrap_or_else(|| panic!("no known operation is named {operation}"));
        let produced = changed(&image, augmentation, &mut renderer);
        let expected = tensors.tensor(name).unwrap();
        let pairs = produced.iter().zip(expected.data());
        let differing = pairs.filter(|(produced, expected)| produced != expected);
        match differing.count() {
            0 => cases += 1,
            count => failed.push(format!("{name}: {count} of {} bytes", produced.len())),
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(cases > 100, "{cases} cases in {FILE}");
}
