//! Each kernel against its formula in double precision: emulated, or on the GPU that `UDI_TEST_DEVICE` names (`cuda`).

use std::env;

use proptest::prelude::*;
use tch::{Device, Kind, Tensor};

use super::{Branch, Norm, *};
use crate::{
    attention::{AttentionGradient, AttentionShape},
    gelu::GeluBackward,
    rows::RowsError,
};

/// Kinds and widths of the programs that the emulator has.
const NORMS: [(Kind, i64); 6] = [
    (Kind::Float, 384),
    (Kind::BFloat16, 384),
    (Kind::Half, 384),
    (Kind::Float, 12),
    (Kind::BFloat16, 19),
    (Kind::BFloat16, 200),
];
const COLUMNS: [(Kind, i64); 7] = [
    (Kind::Float, 1028),
    (Kind::Float, 21),
    (Kind::BFloat16, 520),
    (Kind::BFloat16, 33),
    (Kind::Half, 8),
    (Kind::Half, 264),
    (Kind::BFloat16, 8),
];

/// Kinds and tokens of an image.
const ATTENTIONS: [(Kind, usize); 7] = [
    (Kind::BFloat16, 2),
    (Kind::Half, 16),
    (Kind::BFloat16, 38),
    (Kind::Half, 38),
    (Kind::BFloat16, 100),
    (Kind::BFloat16, 198),
    (Kind::Half, 207),
];

fn device() -> Device {
    match env::var("UDI_TEST_DEVICE") {
        Ok(name) if name.starts_with("cuda") => Device::Cuda(0),
        _ => Device::Cpu,
    }
}

/// Random values as this kind keeps them.
fn random(size: &[i64], kind: Kind) -> Tensor {
    let values = Tensor::randn(size, (Kind::Float, Device::Cpu));
    values.to_kind(kind).to_device(device())
}

fn double(tensor: &Tensor) -> Tensor {
    tensor.to_device(Device::Cpu).to_kind(Kind::Double)
}

/// Whether values are the expected ones but for roundings: those of the kind for each value, those of fp32 on the way.
fn close(received: &Tensor, expected: &Tensor) -> Result<(), TestCaseError> {
    let unit = match received.kind() {
        Kind::BFloat16 => f64::powi(2.0, -8),
        Kind::Half => f64::powi(2.0, -11),
        _ => 2e-6,
    };
    prop_assert_eq!(received.size(), expected.size());
    let scale = expected.abs() + expected.square().mean(Kind::Double).sqrt() + 1e-3;
    let errors = (double(received) - expected).abs() / scale;
    prop_assert_eq!(errors.isfinite().all().int64_value(&[]), 1);
    let largest = match errors.numel() {
        0 => 0.0,
        _ => errors.max().double_value(&[]) / unit,
    };
    prop_assert!(largest < 2.0, "{:?}: {largest} units", received.kind());
    Ok(())
}

/// What images of a shape and a gradient give, in double precision.
struct Attended {
    output: Tensor,
    normalisers: Tensor,
    slope: Tensor,
}

fn attended(packed: &Tensor, gradient: &Tensor, shape: AttentionShape) -> Attended {
    let leaf = double(packed).set_requires_grad(true);
    let sizes = [shape.images, shape.tokens, 3, shape.heads, 64].map(|size| size as i64);
    let parts = leaf.view(sizes).permute([2, 0, 3, 1, 4]).unbind(0);
    let query = parts[0].narrow(2, 0, shape.queries as i64) / 8.0;
    let scores = query.matmul(&parts[1].transpose(-2, -1));
    let output = scores.softmax(-1, Kind::Double).matmul(&parts[2]);
    let output = output.transpose(1, 2).reshape(gradient.size());
    let loss = (&output * double(gradient)).sum(Kind::Double);
    let slope = Tensor::run_backward(&[loss], &[&leaf], false, false).remove(0);
    Attended {
        output: output.detach(),
        normalisers: scores.detach().logsumexp([-1], false).flatten(0, -1),
        slope,
    }
}

fn length(tensor: &Tensor) -> f64 {
    double(tensor)
        .square()
        .sum(Kind::Double)
        .sqrt()
        .double_value(&[])
}

/// The length of the difference as a share of that of the expected values.
fn distance(received: &Tensor, expected: &Tensor) -> f64 {
    length(&(double(received) - expected)) / length(expected).max(1e-3)
}

fn columns(rows: &Tensor) -> Tensor {
    rows.sum_dim_intlist([0].as_slice(), false, Kind::Double)
}

/// The sum of rows that were rounded may be off by as many roundings.
fn near_sum(received: &Tensor, rows: &Tensor) -> Result<(), TestCaseError> {
    let bound = columns(&rows.abs()) * f64::powi(2.0, -8) + 1e-4;
    let error = (double(received) - columns(rows)).abs() - bound;
    prop_assert!(error.max().double_value(&[]) <= 0.0);
    Ok(())
}

fn factors(rows: i64, some: bool) -> Option<Tensor> {
    some.then(|| random(&[rows], Kind::Float))
}

fn scaled(rows: &Tensor, factors: Option<&Tensor>) -> Tensor {
    match factors {
        Some(factors) => double(rows) * double(factors).unsqueeze(1),
        None => double(rows),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_are_added_and_normalised(
        (kind, width) in prop::sample::select(&NORMS[..]), rows in 1..40i64, adds in any::<bool>(), norms in any::<bool>(),
        drops in any::<bool>(), seed in 0..1000i64,
    ) {
        tch::manual_seed(seed);
        let (tokens, output) = (random(&[rows, width], Kind::Float), random(&[rows, width], kind));
        let (weight, bias) = (random(&[width], Kind::Float), random(&[width], Kind::Float));
        let factors = factors(rows, drops);
        let branch = adds.then_some(Branch { output: &output, factors: factors.as_ref() });
        let norm = norms.then_some(Norm { weight: &weight, bias: &bias, epsilon: 1e-6 });
        let (sum, normed) = add_branch_and_norm(&tokens, branch, norm, kind).unwrap();
        let mut expected = double(&tokens);
        if adds {
            expected += scaled(&output, factors.as_ref());
        }
        prop_assert_eq!(sum.is_some(), adds);
        if let Some(sum) = sum {
            close(&sum, &expected)?;
        }
        prop_assert_eq!(normed.is_some(), norms);
        if let Some(normed) = normed {
            let (weight, bias) = (double(&weight), double(&bias));
            let (output, mean, inverse) = expected.native_layer_norm([width], Some(&weight), Some(&bias), 1e-6);
            close(&normed.output, &output)?;
            close(&normed.moments, &Tensor::cat(&[mean, inverse], 1))?;
        }
    }

    #[test]
    fn gradients_of_a_norm_are_those_of_autograd_and_go_on_to_the_branch(
        (kind, width) in prop::sample::select(&NORMS[..]), rows in 1..40i64, goes_on in any::<bool>(), drops in any::<bool>(),
        seed in 0..1000i64,
    ) {
        tch::manual_seed(seed);
        let (input, gradient) = (random(&[rows, width], Kind::Float), random(&[rows, width], kind));
        let (weight, bias) = (random(&[width], Kind::Float), random(&[width], Kind::Float));
        let (before, factors) = (random(&[rows, width], Kind::Float), factors(rows, drops));
        let norm = Norm { weight: &weight, bias: &bias, epsilon: 1e-6 };
        let moments = add_branch_and_norm(&input, None, Some(norm), kind).unwrap().1.unwrap().moments;
        let mut sum = before.copy();
        let next = goes_on.then_some(factors.as_ref());
        let (gradients, branch) = layer_norm_backward(&gradient, (&input, &moments), &weight, &mut sum, next).unwrap();

        let leaves = [&input, &weight, &bias].map(|tensor| double(tensor).set_requires_grad(true));
        let output = leaves[0].layer_norm([width], Some(&leaves[1]), Some(&leaves[2]), 1e-6, false);
        let loss = (output * double(&gradient)).sum(Kind::Double);
        let slopes = Tensor::run_backward(&[loss], &leaves.each_ref(), false, false);
        let expected = double(&before) + &slopes[0];
        close(&sum, &expected)?;
        close(&gradients.weight, &slopes[1])?;
        close(&gradients.bias, &slopes[2])?;
        prop_assert_eq!(branch.is_some(), goes_on);
        if let Some(branch) = branch {
            let expected = scaled(&sum, factors.as_ref());
            close(&branch.output, &expected)?;
            near_sum(&branch.sums, &expected)?;
        }
    }

    #[test]
    fn passes_over_columns_sum_what_they_write(
        (kind, width) in prop::sample::select(&COLUMNS[..]), rows in 0..70i64, drops in any::<bool>(), seed in 0..1000i64,
    ) {
        tch::manual_seed(seed);
        let matrix = random(&[rows, width], kind);
        near_sum(&column_sums(&matrix).unwrap(), &double(&matrix))?;

        let (gradient, factors) = (random(&[rows, width], Kind::Float), factors(rows, drops));
        let branch = branch_gradient(&gradient, factors.as_ref(), kind).unwrap();
        let expected = scaled(&gradient, factors.as_ref());
        close(&branch.output, &expected)?;
        near_sum(&branch.sums, &expected)?;

        let others = [random(&[rows, width], kind), random(&[rows, width], kind)];
        let parts = [&matrix, &others[0], &others[1]];
        let mut joined = random(&[rows, 3 * width], kind);
        let sums = join(parts, &mut joined).unwrap();
        prop_assert_eq!(&joined, &Tensor::cat(&parts, 1));
        near_sum(&sums, &double(&joined))?;
    }

    #[test]
    fn gelu_and_its_gradient_are_those_of_autograd(
        (kind, width) in prop::sample::select(&COLUMNS[..]), rows in 0..40i64, seed in 0..1000i64,
    ) {
        tch::manual_seed(seed);
        let input = (random(&[rows, width], Kind::Float) * 2.5).to_kind(kind);
        let gradient = random(&[rows, width], kind);
        let leaf = double(&input).set_requires_grad(true);
        let output = leaf.gelu("none");
        let loss = (&output * double(&gradient)).sum(Kind::Double);
        let slopes = Tensor::run_backward(&[loss], &[&leaf], false, false);
        close(&gelu(&input).unwrap(), &output.detach())?;
        let mut received = gradient.copy();
        let GeluBackward { activated, sums } = gelu_backward(&input, &mut received).unwrap();
        close(&received, &slopes[0])?;
        close(&activated, &output.detach())?;
        near_sum(&sums, &slopes[0])?;
    }

    #[test]
    fn attention_and_its_gradient_are_those_of_autograd(
        (kind, tokens) in prop::sample::select(&ATTENTIONS[..]), images in 1..3usize, heads in 1..3usize, all in any::<bool>(),
        sharpness in 0.3..2.0f64, seed in 0..1000i64,
    ) {
        tch::manual_seed(seed);
        // Many tokens take seconds to emulate. Of three heads a block has two.
        let (images, heads) = if tokens < 99 { (images, heads) } else { (1, 2 * heads - 1) };
        let (queries, width) = (if all { tokens } else { 2 }, 64 * heads);
        let shape = AttentionShape { images, tokens, queries, heads, width };
        let random = |rows: usize, width: usize| random(&[(images * rows) as i64, width as i64], kind);
        let packed = (random(tokens, 3 * width) * sharpness).to_kind(kind);
        let gradient = random(queries, width);
        let expected = attended(&packed, &gradient, shape);
        let mut output = gradient.full_like(f64::NAN);
        let normalisers = attention(&packed, &mut output, shape).unwrap();
        let tolerance = match kind { Kind::Half => 1e-3, _ => 8e-3 };
        prop_assert!(distance(&output, &expected.output) < tolerance);
        let error = (double(&normalisers) - &expected.normalisers).abs().max().double_value(&[]);
        prop_assert!(error < 1e-5, "{error}");

        let mut received = packed.full_like(f64::NAN);
        let of = AttentionGradient { packed: &packed, normalisers: &normalisers, output: &output, gradient: &gradient };
        attention_backward(of, &mut received, shape).unwrap();
        let parts = [&received, &expected.slope].map(|rows| rows.chunk(3, 1));
        let whole = length(&expected.slope);
        for (received, expected) in parts[0].iter().zip(&parts[1]) {
            // Gradients of scores are differences of rounded values, and of two queries nothing evens out what is lost.
            let error = length(&(double(received) - expected)) / (length(expected) + whole / 3.0);
            let tolerance = if queries == 2 { 8.0 * tolerance } else { 1.5 * tolerance };
            prop_assert!(error < tolerance, "{error}");
        }
        let silent = received.view([images as i64, tokens as i64, -1]).slice(1, queries as i64, None, 1);
        prop_assert_eq!(double(&silent.narrow(2, 0, width as i64)).count_nonzero(None).int64_value(&[]), 0);
    }

    #[test]
    fn attention_to_a_single_token_stays_finite(
        (kind, tokens) in prop::sample::select(&ATTENTIONS[..5]), sharpness in 8.0..30.0f64, seed in 0..1000i64,
    ) {
        tch::manual_seed(seed);
        let shape = AttentionShape { images: 1, tokens, queries: tokens, heads: 1, width: 64 };
        let packed = (random(&[tokens as i64, 192], kind) * sharpness).to_kind(kind);
        let gradient = random(&[tokens as i64, 64], kind);
        let expected = attended(&packed, &gradient, shape);
        let mut output = gradient.copy();
        let normalisers = attention(&packed, &mut output, shape).unwrap();
        prop_assert!(distance(&output, &expected.output) < 8e-3);
        prop_assert!(distance(&normalisers, &expected.normalisers) < 1e-6);
        let mut received = packed.full_like(f64::NAN);
        let of = AttentionGradient { packed: &packed, normalisers: &normalisers, output: &output, gradient: &gradient };
        attention_backward(of, &mut received, shape).unwrap();
        prop_assert_eq!(received.isfinite().all().int64_value(&[]), 1);
        let values = [&received, &expected.slope].map(|rows| rows.narrow(1, 128, 64));
        prop_assert!(distance(&values[0], &values[1]) < 8e-3);
    }

    #[test]
    fn distributions_and_cross_entropies_are_those_of_libtorch(
        (kind, width) in prop::sample::select(&COLUMNS[..]), streams in 1..4i64, targets in 0..4i64, views in 1..3usize,
        seed in 0..1000i64,
    ) {
        tch::manual_seed(seed);
        let center = random(&[width], Kind::Float);
        let mut distributions = Vec::new();
        for _ in 0..views {
            let logits = random(&[targets, width], kind);
            let expected = ((double(&logits) - double(&center)) / 0.07).softmax(-1, Kind::Double);
            let received = softmax_rows(&logits, &center, 0.07).unwrap();
            let error = (double(&received) - &expected).abs() - expected * 3e-5;
            prop_assert!(targets == 0 || error.max().double_value(&[]) < 1e-7);
            distributions.push(received);
        }
        let mut logits = random(&[streams * targets, width], kind);
        let z = double(&logits) / 0.1;
        let target = distributions.iter().map(double).fold(Tensor::zeros([targets, width], (Kind::Double, Device::Cpu)), |a, b| a + b);
        let target = (target / views as f64).repeat([streams, 1]);
        let entropies = z.logsumexp([-1], false) - (&z * &target).sum_dim_intlist([-1].as_slice(), false, Kind::Double);
        let slopes = (z.softmax(-1, Kind::Double) - target) * 2.5;
        let views: Vec<&Tensor> = distributions.iter().collect();
        let received = cross_entropy_rows(&mut logits, &views, 0.1, 2.5).unwrap();
        let error = (double(&received) - &entropies).abs() / (&entropies * 0.5 + 1.0);
        prop_assert!(targets == 0 || error.max().double_value(&[]) < 2e-5);
        let unit = match kind { Kind::Float => 1e-5, Kind::Half => 1e-3, _ => 8e-3 };
        let error = (double(&logits) - &slopes).abs() - slopes.abs() * unit;
        prop_assert!(targets == 0 || error.max().double_value(&[]) < 1e-5);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn patches_are_cut_as_libtorch_cuts_them(
        (kind, side) in prop::sample::select(&[(Kind::Float, 16), (Kind::BFloat16, 16), (Kind::Half, 6), (Kind::Float, 8)][..]),
        images in 0..3i64, rows in 1..4i64, columns in 1..4i64, seed in 0..1000i64,
    ) {
        tch::manual_seed(seed);
        let size = [images, 3, rows * side, columns * side];
        let views = Tensor::randint(256, size, (Kind::Uint8, Device::Cpu)).to_device(device());
        let (scale, shift) = ([0.01f32, 0.02, 0.03], [1.0f32, -2.0, 0.5]);
        let received = patches(&views, side, (scale, shift), kind).unwrap();
        let channel = |values: [f32; 3]| Tensor::from_slice(&values).view([3, 1, 1]).to_kind(Kind::Double);
        let expected = double(&views) * channel(scale) - channel(shift);
        let cut = expected.reshape([-1, 3, rows, side, columns, side]).permute([0, 2, 4, 1, 3, 5]);
        close(&received, &cut.reshape([-1, 3 * side * side]))?;
    }

    #[test]
    fn tokens_are_the_table_and_the_products_of_patches_and_so_is_their_gradient(
        (kind, width) in prop::sample::select(&COLUMNS[..]), images in 1..4i64, prefix in 0..3i64, patches in 1..9i64,
        seed in 0..1000i64,
    ) {
        tch::manual_seed(seed);
        let tokens = prefix + patches;
        let (products, table) = (random(&[images * patches, width], kind), random(&[tokens, width], Kind::Float));
        let mut output = random(&[images * tokens, width], Kind::Float);
        embed(&products, &table, prefix, &mut output).unwrap();
        let expected = double(&table).unsqueeze(0).repeat([images, 1, 1]);
        let mut behind = expected.narrow(1, prefix, patches);
        let _ = behind.g_add_(&double(&products).view([images, patches, width]));
        close(&output, &expected.view([-1, width]))?;

        let gradient = patch_gradient(&output, (prefix, tokens), kind).unwrap();
        let expected = double(&output).view([images, tokens, width]).narrow(1, prefix, patches).reshape([-1, width]);
        close(&gradient.output, &expected)?;
        near_sum(&gradient.sums, &expected)?;
    }

    #[test]
    fn prototypes_have_their_norms_and_gradients_are_those_of_autograd(
        width in prop::sample::select(&[256i64, 19][..]), rows in 1..40i64, seed in 0..1000i64,
    ) {
        tch::manual_seed(seed);
        let (directions, norms) = (random(&[rows, width], Kind::Float), random(&[rows, 1], Kind::Float));
        let mut gradient = random(&[rows, width], Kind::Float);
        let leaves = [&directions, &norms].map(|tensor| double(tensor).set_requires_grad(true));
        let lengths = leaves[0].norm_scalaropt_dim(2, [-1].as_slice(), true);
        let expected = &leaves[0] * (&leaves[1] / lengths);
        let loss = (&expected * double(&gradient)).sum(Kind::Double);
        let slopes = Tensor::run_backward(&[loss], &leaves.each_ref(), false, false);
        close(&prototypes(&directions, &norms).unwrap(), &expected.detach())?;
        let of_norms = prototype_gradients(&directions, &norms, &mut gradient).unwrap();
        close(&of_norms, &slopes[1])?;
        close(&gradient, &slopes[0])?;
    }

    #[test]
    fn weighted_rows_are_those_of_a_sparse_product(
        width in prop::sample::select(&[384i64, 19][..]), rows in 1..20i64, sums in 0..30i64, neighbours in 1..5i64,
        seed in 0..1000i64,
    ) {
        tch::manual_seed(seed);
        let tokens = random(&[rows, width], Kind::Float);
        let places = Tensor::randint(rows, [sums, neighbours], (Kind::Int64, Device::Cpu)).to_device(device());
        let weights = random(&[sums, neighbours], Kind::Float);
        let picked = double(&tokens).index_select(0, &places.to_device(Device::Cpu).flatten(0, 1));
        let picked = picked.view([sums, neighbours, width]) * double(&weights).unsqueeze(-1);
        let expected = picked.sum_dim_intlist([1].as_slice(), false, Kind::Double);
        close(&weighted_rows(&tokens, &places, &weights).unwrap(), &expected)?;
    }

    #[test]
    fn parameters_moments_and_followers_move_as_adamw_says(
        counts in prop::collection::vec(1..20_000i64, 1..6), learns in prop::collection::vec(any::<bool>(), 6),
        halted in any::<bool>(), idle in any::<bool>(), shift in 0..2i64, seed in 0..1000i64,
    ) {
        tch::manual_seed(seed);
        let flag = |value: bool| Tensor::from(value).to_device(device());
        let (is_halted, is_idle) = (flag(halted), flag(idle));
        // Some begin where no load of four values may.
        let arrays: Vec<[Tensor; 5]> = counts.iter().map(|&count| {
            let array = |_| random(&[count + shift], Kind::Float).narrow(0, shift, count);
            let [parameter, follower, gradient, first, second] = [0, 1, 2, 3, 4].map(array);
            [parameter, follower, gradient, first, second.abs()]
        }).collect();
        let factor = random(&[], Kind::Float);
        let (betas, epsilon, share) = ((0.9, 0.999), 1e-8, 0.25);
        let (kept, step, root_factor) = (0.99, 0.05, 1.7);
        let before: Vec<[Tensor; 5]> = arrays.iter().map(|array| array.each_ref().map(double)).collect();
        let updates: Vec<DeviceUpdate> = arrays.iter().zip(&learns).map(|([parameter, follower, gradient, first, second], &learns)| {
            let learning = DeviceLearning { gradient, factor: &factor, first, second, kept, step, root_factor };
            DeviceUpdate { parameter, follower, learning: learns.then_some(learning) }
        }).collect();
        let rule = DeviceRule { betas, epsilon, share, halted: &is_halted, idle: &is_idle };
        adamw_on_device(&updates, &rule).unwrap();

        for ((after, before), learns) in arrays.iter().zip(before).zip(learns) {
            let [mut parameter, mut follower, gradient, mut first, mut second] = before;
            let gradient = gradient * factor.double_value(&[]);
            if learns && !idle && !halted {
                first = first * 0.9 + &gradient * 0.1;
                second = second * 0.999 + gradient.square() * 0.001;
                parameter = parameter * f64::from(kept) - &first * f64::from(step) / (second.sqrt() * f64::from(root_factor) + 1e-8);
            }
            if !halted {
                follower = &follower + (&parameter - &follower) * 0.25;
            }
            close(&after[0], &parameter)?;
            close(&after[1], &follower)?;
            close(&after[3], &first)?;
            close(&after[4], &second)?;
        }
    }
}

#[test]
fn tensors_that_do_not_belong_together_are_refused() {
    let rows = random(&[4, 12], Kind::Float);
    let refused = |outcome: Result<(), RowsError>| {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("expected"), "{error}");
    };
    let short = random(&[11], Kind::Float);
    let norm = Norm {
        weight: &short,
        bias: &short,
        epsilon: 1e-6,
    };
    refused(add_branch_and_norm(&rows, None, Some(norm), Kind::Float).map(drop));
    refused(column_sums(&rows.tr()).map(drop));
    refused(branch_gradient(&rows, Some(&short), Kind::Float).map(drop));
    refused(softmax_rows(&rows, &short, 1.0).map(drop));
    refused(
        cross_entropy_rows(
            &mut rows.copy(),
            &[&random(&[3, 12], Kind::Float)],
            1.0,
            1.0,
        )
        .map(drop),
    );
    let shape = AttentionShape {
        images: 2,
        tokens: 2,
        queries: 2,
        heads: 1,
        width: 64,
    };
    let packed = random(&[4, 192], Kind::Half);
    for size in [[4, 65], [3, 64]] {
        let mut output = random(&size, Kind::Half);
        refused(attention(&packed, &mut output, shape).map(drop));
    }
    let mut output = random(&[4, 64], Kind::Half);
    for other in [
        AttentionShape {
            queries: 3,
            ..shape
        },
        AttentionShape { heads: 2, ..shape },
    ] {
        refused(attention(&packed, &mut output, other).map(drop));
    }
    refused(gelu_backward(&rows, &mut random(&[4, 12], Kind::Half)).map(drop));
}

#[test]
fn what_has_no_kernels_says_why() {
    assert_eq!(
        without_cuda_kernels(Device::Cpu).as_deref(),
        Some("not a CUDA device")
    );
    if !tch::Cuda::is_available() {
        assert!(without_cuda_kernels(Device::Cuda(0)).is_some());
    }
    let shape = AttentionShape {
        images: 1,
        tokens: 2,
        queries: 2,
        heads: 1,
        width: 64,
    };
    assert!(!has_cuda_attention(Device::Cpu, Kind::Half, shape));
    assert!(!has_cuda_attention(Device::Cuda(0), Kind::Float, shape));
}
