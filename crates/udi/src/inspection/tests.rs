//! Statistics against plain double precision, and against what is known of a collapse.

use proptest::prelude::*;
use tch::{Device, Kind, Tensor};

use super::{
    distributions::{Distributions, Logits},
    features::{effective_rank, spread},
};

fn random(rows: i64, columns: i64) -> Tensor {
    Tensor::randn([rows, columns], (Kind::Float, Device::Cpu))
}

fn double(tensor: &Tensor) -> Tensor {
    tensor.to_kind(Kind::Double)
}

fn rows(tensor: &Tensor) -> Vec<Vec<f64>> {
    Vec::try_from(double(tensor)).unwrap()
}

fn entropy(shares: &[f64]) -> f64 {
    let terms = shares.iter().filter(|share| **share > 0.0);
    -terms.map(|share| share * share.ln()).sum::<f64>()
}

fn mean_of(rows: &[Vec<f64>]) -> Vec<f64> {
    let sum = |column| rows.iter().map(|row| row[column]).sum::<f64>();
    (0..rows[0].len())
        .map(|column| sum(column) / rows.len() as f64)
        .collect()
}

fn greatest(row: &[f64]) -> usize {
    let values = row.iter().enumerate();
    values.max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0
}

fn softmax(logits: &[f64], center: &[f64], temperature: f64) -> Vec<f64> {
    let scaled = logits
        .iter()
        .zip(center)
        .map(|(z, c)| (z - c) / temperature);
    let scaled: Vec<f64> = scaled.collect();
    let largest = scaled.iter().copied().fold(f64::MIN, f64::max);
    let powers: Vec<f64> = scaled.iter().map(|z| (z - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// Standard deviations of normalised rows, column by column.
fn plain_spread(rows: &[Vec<f64>]) -> f64 {
    let norm = |row: &Vec<f64>| row.iter().map(|value| value * value).sum::<f64>().sqrt();
    let units: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| row.iter().map(|value| value / norm(row)).collect())
        .collect();
    let mean = mean_of(&units);
    let width = mean.len();
    let deviation = |column: usize| {
        let squares = units.iter().map(|row| (row[column] - mean[column]).powi(2));
        (squares.sum::<f64>() / units.len() as f64).sqrt()
    };
    (0..width).map(deviation).sum::<f64>() / width as f64 * (width as f64).sqrt()
}

/// Two networks' logits; vectors of norm 1.
fn networks((images, width, prototypes): (i64, i64, i64)) -> [Logits; 2] {
    let matrix = random(prototypes, width);
    [(); 2].map(|()| {
        let vectors = random(images, width);
        let norms = vectors.norm_scalaropt_dim(2, [1].as_slice(), true);
        Logits {
            vectors: vectors / norms,
            matrix: &matrix + 0.3 * random(prototypes, width),
        }
    })
}

fn logits(network: &Logits) -> Vec<Vec<f64>> {
    rows(&double(&network.vectors).mm(&double(&network.matrix).tr()))
}

/// Logits that are the rows of `values`: vectors are rows of an identity.
fn given(values: &Tensor) -> Logits {
    let options = (Kind::Float, Device::Cpu);
    Logits {
        vectors: Tensor::eye(values.size()[0], options),
        matrix: values.tr().contiguous(),
    }
}

fn uncentered(teacher: &Tensor, student: &Tensor, temperature: f64) -> Distributions {
    let center = Tensor::zeros([teacher.size()[1]], (Kind::Float, Device::Cpu));
    Distributions::of(&given(teacher), &given(student), (&center, temperature)).unwrap()
}

fn near(received: f64, expected: f64, tolerance: f64) -> bool {
    (received - expected).abs() <= tolerance * expected.abs().max(1.0)
}

proptest! {
    #[test]
    fn the_effective_rank_is_that_of_the_singular_values(images in 1..30i64, width in 1..30i64, seed in 0..1000i64) {
        tch::manual_seed(seed);
        let features = double(&(random(images, width) + random(1, width)));
        let (_, singular, _) = features.svd(true, true);
        let singular = Vec::<f64>::try_from(singular).unwrap();
        let sum: f64 = singular.iter().sum();
        let shares: Vec<f64> = singular.iter().map(|value| value / sum).collect();
        let received = effective_rank(&features);
        prop_assert!(near(received, entropy(&shares).exp(), 1e-5), "{received}");
        prop_assert!(received <= images.min(width) as f64 * (1.0 + 1e-9));
    }

    #[test]
    fn the_spread_is_the_mean_deviation_of_normalised_rows(images in 1..30i64, width in 1..30i64, seed in 0..1000i64) {
        tch::manual_seed(seed);
        let features = double(&(random(images, width) + random(1, width)));
        let received = spread(&features);
        prop_assert!(near(received, plain_spread(&rows(&features)), 1e-9), "{received}");
        prop_assert!((0.0..=1.0 + 1e-9).contains(&received));
    }

    #[test]
    fn distributions_are_those_of_plain_softmax(shape in (1..20i64, 2..9i64, 2..60i64), seed in 0..1000i64) {
        tch::manual_seed(seed);
        let [teacher, student] = networks(shape);
        let center = random(1, shape.2).squeeze_dim(0);
        let received = Distributions::of(&teacher, &student, (&center, 0.2)).unwrap();

        let center = Vec::<f64>::try_from(double(&center)).unwrap();
        let shares: Vec<Vec<f64>> =
            logits(&teacher).iter().map(|row| softmax(row, &center, 0.2)).collect();
        let images = shares.len() as f64;
        let mean = mean_of(&shares);
        prop_assert!(near(received.entropy_of_mean, entropy(&mean), 1e-5));
        let single: f64 = shares.iter().map(|row| entropy(row)).sum();
        prop_assert!(near(received.mean_entropy, single / images, 1e-5));

        let chosen: Vec<usize> = shares.iter().map(|row| greatest(row)).collect();
        let also: Vec<usize> = logits(&student).iter().map(|row| greatest(row)).collect();
        let used = (0..mean.len()).filter(|prototype| chosen.contains(prototype)).count();
        prop_assert_eq!(received.used, used as i64);
        let pairs = |same: &dyn Fn(usize, usize) -> bool| {
            let each = chosen.iter().enumerate();
            each.map(|(place, &a)| also.iter().enumerate().filter(|&(other, &b)| a == b && same(place, other)).count()).sum::<usize>() as f64
        };
        prop_assert!(near(received.agreement, pairs(&|a, b| a == b) / images, 1e-12));
        prop_assert!(near(received.chance_agreement, pairs(&|_, _| true) / images / images, 1e-12));
    }
}

#[test]
fn rows_that_are_all_the_same_have_rank_1_and_no_spread() {
    let features = double(&random(1, 24)).repeat([40, 1]);
    assert!(near(effective_rank(&features), 1.0, 1e-5));
    assert!(spread(&features) < 1e-9);
    assert!(near(effective_rank(&features.zeros_like()), 1.0, 1e-12));
}

#[test]
fn rows_in_all_directions_have_full_rank_and_spread_1() {
    let basis = Tensor::eye(16, (Kind::Double, Device::Cpu));
    let features = Tensor::cat(&[&basis, &-&basis], 0);
    assert!(near(effective_rank(&features), 16.0, 1e-9));
    assert!(near(spread(&features), 1.0, 1e-9));
}

#[test]
fn all_images_on_one_prototype_are_entropies_of_0_and_an_agreement_by_chance() {
    let peaked = Tensor::zeros([10, 50], (Kind::Float, Device::Cpu));
    let _ = peaked.narrow(1, 7, 1).fill_(9.0);
    let found = uncentered(&peaked, &peaked, 0.04);
    assert!(found.entropy_of_mean < 1e-6 && found.mean_entropy < 1e-6);
    assert_eq!((found.used, found.agreement), (1, 1.0));
    assert!(near(found.chance_agreement, 1.0, 1e-12));
}

#[test]
fn uniform_outputs_are_entropies_of_ln_d() {
    let uniform = Tensor::ones([10, 50], (Kind::Float, Device::Cpu));
    let found = uncentered(&uniform, &uniform, 0.04);
    assert!(near(found.entropy_of_mean, 50f64.ln(), 1e-6));
    assert!(near(found.mean_entropy, 50f64.ln(), 1e-6));
}

#[test]
fn a_prototype_for_each_image_is_the_largest_divergence_from_the_mean() {
    let own = Tensor::eye(50, (Kind::Float, Device::Cpu));
    let found = uncentered(&own, &own, 0.01);
    assert!(near(
        found.entropy_of_mean - found.mean_entropy,
        50f64.ln(),
        1e-6
    ));
    assert_eq!((found.used, found.agreement), (50, 1.0));
    assert!(near(found.chance_agreement, 1.0 / 50.0, 1e-12));
}

#[test]
fn more_logits_than_are_held_at_once_count_once_each() {
    let [teacher, student] = networks((70, 3, 1 << 17));
    let center = random(1, 1 << 17).squeeze_dim(0);
    let found = Distributions::of(&teacher, &student, (&center, 0.5)).unwrap();
    let all = double(&teacher.vectors).mm(&double(&teacher.matrix).tr()) - double(&center);
    let shares = (all / 0.5).softmax(1, Kind::Double);
    let mean = shares.mean_dim([0].as_slice(), false, Kind::Double);
    let entropy = |shares: Tensor| shares.special_entr().sum(Kind::Double).double_value(&[]);
    assert!(near(found.entropy_of_mean, entropy(mean), 1e-5));
    assert!(near(found.mean_entropy, entropy(shares) / 70.0, 1e-5));
}
