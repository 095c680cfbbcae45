//! Colour jitter, grey, blur and solarisation of a chunk of views, each operation on all views that have it.

use tch::{Kind, Tensor};
use udi_views::{JitterStep, ViewRecipe};

use super::{blur::gaussian_blur, hue::shift_hue};

/// Applies everything of the recipes that follows crop, resize and flip to `[views, 3, side, side]`.
pub(super) fn apply(values: &mut Tensor, recipes: &[&ViewRecipe]) {
    let longest = recipes.iter().map(|recipe| recipe.jitter.len()).max();
    for place in 0..longest.unwrap_or(0) {
        jitter(values, recipes, place);
    }
    let grey = |recipe: &ViewRecipe| recipe.grayscale.then_some(0.0);
    on_some(values, &chosen(recipes, grey), |values, _| {
        luma(values).expand_as(values)
    });
    let blurred = |recipe: &ViewRecipe| Some(recipe.blur_radius).filter(|&radius| radius > 0.0);
    on_some(values, &chosen(recipes, blurred), gaussian_blur);
    let solarised = |recipe: &ViewRecipe| recipe.solarize_threshold.map(f64::from);
    on_some(values, &chosen(recipes, solarised), |values, thresholds| {
        let kept = values.lt_tensor(&per_view(values, thresholds));
        values.where_self(&kept, &(255.0 - values))
    });
}

/// The jitter steps at one place of the recipes' orders.
fn jitter(values: &mut Tensor, recipes: &[&ViewRecipe], place: usize) {
    use Adjustment::{Brightness, Contrast, Hue, Saturation};
    for adjustment in [Brightness, Contrast, Saturation, Hue] {
        let number = |recipe: &ViewRecipe| {
            let (kind, number) = parts(*recipe.jitter.get(place)?);
            (kind == adjustment).then_some(number)
        };
        on_some(
            values,
            &chosen(recipes, number),
            |values, numbers| match adjustment {
                Brightness => blend(&values.zeros_like(), values, numbers),
                Contrast => blend(&mean_luma(values), values, numbers),
                Saturation => blend(&luma(values), values, numbers),
                Hue => shift_hue(values, numbers),
            },
        );
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Adjustment {
    Brightness,
    Contrast,
    Saturation,
    Hue,
}

fn parts(step: JitterStep) -> (Adjustment, f64) {
    match step {
        JitterStep::Brightness(factor) => (Adjustment::Brightness, factor),
        JitterStep::Contrast(factor) => (Adjustment::Contrast, factor),
        JitterStep::Saturation(factor) => (Adjustment::Saturation, factor),
        JitterStep::Hue(turns) => (Adjustment::Hue, turns),
    }
}

/// Views that have an operation, and its number for each.
struct Chosen {
    views: Vec<i64>,
    numbers: Vec<f64>,
}

fn chosen(recipes: &[&ViewRecipe], number: impl Fn(&ViewRecipe) -> Option<f64>) -> Chosen {
    let of_view = |(view, recipe): (usize, &&ViewRecipe)| Some((view as i64, number(recipe)?));
    let (views, numbers) = recipes.iter().enumerate().filter_map(of_view).unzip();
    Chosen { views, numbers }
}

fn on_some(values: &mut Tensor, chosen: &Chosen, operation: impl Fn(&Tensor, &[f64]) -> Tensor) {
    if chosen.views.is_empty() {
        return;
    }
    let views = Tensor::from_slice(&chosen.views).to_device(values.device());
    let made = operation(&values.index_select(0, &views), &chosen.numbers);
    let _ = values.index_copy_(0, &views, &made);
}

/// `[views, 1, 1, 1]`, fp32.
fn per_view(values: &Tensor, numbers: &[f64]) -> Tensor {
    Tensor::from_slice(numbers)
        .view([-1, 1, 1, 1])
        .to_kind(Kind::Float)
        .to_device(values.device())
}

/// PIL's blend in single precision, clipped and cut towards zero.
fn blend(from: &Tensor, to: &Tensor, factors: &[f64]) -> Tensor {
    let mixed = (to - from) * per_view(to, factors) + from;
    mixed.clamp(0.0, 255.0).floor_()
}

/// PIL's `convert("L")`, `[views, 1, side, side]`. The sums are whole numbers below 2^24: fp32 holds them.
fn luma(values: &Tensor) -> Tensor {
    let channel = |index| values.narrow(1, index, 1);
    let sum = channel(0) * 19595.0 + channel(1) * 38470.0 + channel(2) * 7471.0;
    ((sum + 32768.0) / 65536.0).floor_()
}

/// The rounded mean of the grey view, `[views, 1, 1, 1]`.
fn mean_luma(values: &Tensor) -> Tensor {
    let means = luma(values).mean_dim([1, 2, 3].as_slice(), true, Kind::Double);
    (means + 0.5).floor_().to_kind(Kind::Float)
}
