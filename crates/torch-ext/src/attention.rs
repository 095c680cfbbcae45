//! Attention among the tokens of an image, head by head: scores, softmax and sums stay in a core's cache. For processors
//! with AVX-512; libtorch's own operation hands each head's products to MKL and converts between kinds on the way. CUDA devices have
//! kernels of their own: [`has_cuda_attention`](crate::has_cuda_attention).

use std::cell::RefCell;

use tch::{Device, Kind, Tensor};

use crate::{
    cuda,
    dot::{product, total},
    element::{Bf16, Element},
    exp::exp,
    lent,
    parallel::parallel,
    rows::RowsError,
    tile::{LANES, Left, multiply},
    vector::has_avx512,
};

/// How the tokens of a group of images lie in rows, image by image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionShape {
    /// Images.
    pub images: usize,
    /// Tokens of each: the rows of its queries, keys and values.
    pub tokens: usize,
    /// Of these, how many first ones ask.
    pub queries: usize,
    /// Heads, among which the width is shared out evenly.
    pub heads: usize,
    /// Values of a token.
    pub width: usize,
}

/// Whether [`attention`] runs on this machine's processor.
pub fn has_attention() -> bool {
    has_avx512()
}

/// softmax(q kᵀ / √d) v of each head. `packed` holds queries, keys and values beside each other, `[images tokens, 3 width]`;
/// the result goes to `output` `[images queries, width]`, of the same kind: fp32 or bf16, on a CUDA device bf16 or fp16. Returns
/// the logarithms of the softmaxes' sums, `[images heads queries]`, fp32.
pub fn attention(
    packed: &Tensor,
    output: &mut Tensor,
    shape: AttentionShape,
) -> Result<Tensor, RowsError> {
    if packed.device().is_cuda() {
        return cuda::attention(packed, output, shape);
    }
    match packed.kind() {
        Bf16::KIND => forward::<Bf16>(packed, output, shape),
        _ => forward::<f32>(packed, output, shape),
    }
}

/// What the gradient is computed from: the input of [`attention`] and what it returned, and the gradient of its output.
#[derive(Debug, Clone, Copy)]
pub struct AttentionGradient<'a> {
    /// Queries, keys and values.
    pub packed: &'a Tensor,
    /// Logarithms of sums.
    pub normalisers: &'a Tensor,
    /// Output: what CUDA devices read rather than compute it anew.
    pub output: &'a Tensor,
    /// Gradient of the output, of its shape and kind.
    pub gradient: &'a Tensor,
}

/// Writes the gradient of `packed` to `received`, of its shape and kind.
pub fn attention_backward(
    of: AttentionGradient,
    received: &mut Tensor,
    shape: AttentionShape,
) -> Result<(), RowsError> {
    if of.packed.device().is_cuda() {
        return cuda::attention_backward(of, received, shape);
    }
    match of.packed.kind() {
        Bf16::KIND => backward::<Bf16>(of, received, shape),
        _ => backward::<f32>(of, received, shape),
    }
}

impl AttentionShape {
    fn head(self) -> usize {
        self.width / self.heads
    }

    /// Columns of a matrix with a value for each token, or each value of a head: what follows is zero.
    fn padded(self) -> (usize, usize) {
        let padded = |count: usize| count.next_multiple_of(LANES);
        (padded(self.tokens), padded(self.head()))
    }

    /// Values of an image in rows of tokens and of queries.
    fn of_image(self) -> (usize, usize) {
        (self.tokens * 3 * self.width, self.queries * self.width)
    }

    fn check(self, packed: usize, output: usize) -> Result<(), RowsError> {
        let (of_tokens, of_queries) = self.of_image();
        let fits = packed == self.images * of_tokens
            && output == self.images * of_queries
            && self.heads > 0
            && self.width.is_multiple_of(self.heads)
            && self.queries <= self.tokens
            && of_queries > 0
            && has_attention();
        match fits {
            true => Ok(()),
            false => Err(RowsError::Layout(format!(
                "{packed} and {output} values for {self:?}"
            ))),
        }
    }
}

fn forward<T: Element>(
    packed: &Tensor,
    output: &mut Tensor,
    shape: AttentionShape,
) -> Result<Tensor, RowsError> {
    let count = shape.images * shape.heads * shape.queries;
    let mut normalisers = Tensor::empty([count as i64], (Kind::Float, Device::Cpu));
    lent::apart(output, &[packed])?;
    let inputs = lent::values::<T>(packed)?;
    // SAFETY: the one is apart from the input, the other new.
    let (outputs, sums) = unsafe {
        (
            lent::values_mut::<T>(output)?,
            lent::values_mut::<f32>(&mut normalisers)?,
        )
    };
    shape.check(inputs.len(), outputs.len())?;
    let (of_tokens, of_queries) = shape.of_image();
    let images = inputs.chunks_exact(of_tokens);
    let images = images.zip(outputs.chunks_exact_mut(of_queries));
    let images = images.zip(sums.chunks_exact_mut(shape.heads * shape.queries));
    parallel(images.collect(), |((packed, output), sums)| {
        for (head, sums) in sums.chunks_exact_mut(shape.queries).enumerate() {
            // SAFETY: `check` has seen that the processor has the unit.
            unsafe { forward_head(shape, head, packed, (output, sums)) };
        }
    });
    Ok(normalisers)
}

fn backward<T: Element>(
    of: AttentionGradient,
    received: &mut Tensor,
    shape: AttentionShape,
) -> Result<(), RowsError> {
    lent::apart(received, &[of.packed, of.normalisers, of.gradient])?;
    let packed = lent::values::<T>(of.packed)?;
    let gradients = lent::values::<T>(of.gradient)?;
    let sums = lent::values::<f32>(of.normalisers)?;
    // SAFETY: it is apart from the others.
    let received = unsafe { lent::values_mut::<T>(received)? };
    shape.check(packed.len(), gradients.len())?;
    shape.check(received.len(), gradients.len())?;
    let (of_tokens, of_queries) = shape.of_image();
    let images = packed.chunks_exact(of_tokens);
    let images = images.zip(gradients.chunks_exact(of_queries));
    let images = images.zip(sums.chunks_exact(shape.heads * shape.queries));
    let images = images.zip(received.chunks_exact_mut(of_tokens));
    parallel(
        images.collect(),
        |(((packed, gradient), sums), received)| {
            for (head, sums) in sums.chunks_exact(shape.queries).enumerate() {
                let input = HeadInput {
                    packed,
                    gradient,
                    sums,
                };
                // SAFETY: `check` has seen that the processor has the unit.
                unsafe { backward_head(shape, head, input, received) };
            }
        },
    );
    Ok(())
}

thread_local! {
    /// Where a thread keeps the matrices of a head.
    static SPACE: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Calls `body` with matrices of so many values, whose content is anything.
#[inline(always)]
fn with_space<const COUNT: usize>(lengths: [usize; COUNT], body: impl FnOnce([&mut [f32]; COUNT])) {
    SPACE.with_borrow_mut(|space| {
        let needed = lengths.iter().sum();
        if space.len() < needed {
            space.resize(needed, 0.0);
        }
        let mut rest = space.as_mut_slice();
        body(lengths.map(|length| {
            let (part, others) = std::mem::take(&mut rest).split_at_mut(length);
            rest = others;
            part
        }));
    });
}

/// One of queries, keys and values of a head in the rows of an image.
#[derive(Clone, Copy)]
struct Columns {
    /// First value in a row.
    first: usize,
    /// Values in a row.
    row: usize,
    /// Values of the head.
    head: usize,
}

impl AttentionShape {
    fn packed(self, part: usize, head: usize) -> Columns {
        Columns {
            first: part * self.width + head * self.head(),
            row: 3 * self.width,
            head: self.head(),
        }
    }

    fn joined(self, head: usize) -> Columns {
        Columns {
            first: head * self.head(),
            row: self.width,
            head: self.head(),
        }
    }
}

impl Columns {
    #[inline(always)]
    fn rows<T>(self, values: &[T]) -> impl Iterator<Item = &[T]> {
        values
            .chunks_exact(self.row)
            .map(move |row| &row[self.first..self.first + self.head])
    }

    /// Rows times a factor to a matrix of this width, zeros after them.
    #[inline(always)]
    fn read<T: Element>(self, values: &[T], factor: f32, matrix: &mut [f32], width: usize) {
        for (row, values) in matrix.chunks_exact_mut(width).zip(self.rows(values)) {
            for (value, from) in row.iter_mut().zip(values) {
                *value = from.read() * factor;
            }
            row[self.head..].fill(0.0);
        }
    }

    /// The same turned, a column for each row.
    #[inline(always)]
    fn read_turned<T: Element>(self, values: &[T], matrix: &mut [f32], width: usize) {
        let count = values.len() / self.row;
        for (index, column) in matrix.chunks_exact_mut(width).enumerate() {
            let from = values[self.first + index..].iter().step_by(self.row);
            for (value, from) in column.iter_mut().zip(from) {
                *value = from.read();
            }
            column[count..].fill(0.0);
        }
    }

    /// A matrix of this width times a factor to the rows.
    #[inline(always)]
    fn write<T: Element>(self, matrix: &[f32], width: usize, factor: f32, values: &mut [T]) {
        let rows = values.chunks_exact_mut(self.row);
        for (row, from) in rows.zip(matrix.chunks_exact(width)) {
            let row = &mut row[self.first..self.first + self.head];
            for (value, from) in row.iter_mut().zip(from) {
                *value = T::of(from * factor);
            }
        }
    }
}

#[cfg_attr(
    target_arch = "x86_64",
    target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma")
)]
fn forward_head<T: Element>(
    shape: AttentionShape,
    head: usize,
    packed: &[T],
    (output, sums): (&mut [T], &mut [f32]),
) {
    let (tokens, width) = shape.padded();
    let (count, queries) = (shape.tokens, shape.queries);
    let lengths = [
        queries * width,
        shape.head() * tokens,
        count * width,
        queries * tokens,
    ];
    with_space(lengths, |[query, key, value, scores]| {
        let scale = (shape.head() as f32).sqrt().recip();
        shape.packed(0, head).read(packed, scale, query, width);
        shape.packed(1, head).read_turned(packed, key, tokens);
        shape.packed(2, head).read(packed, 1.0, value, width);
        multiply(rows_of(query, width), key, scores, tokens);
        for (scores, sum) in scores.chunks_exact_mut(tokens).zip(sums) {
            *sum = softmax(scores, count);
        }
        multiply(rows_of(scores, tokens), value, query, width);
        shape.joined(head).write(query, width, 1.0, output);
    });
}

struct HeadInput<'a, T> {
    packed: &'a [T],
    gradient: &'a [T],
    sums: &'a [f32],
}

#[cfg_attr(
    target_arch = "x86_64",
    target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma")
)]
fn backward_head<T: Element>(
    shape: AttentionShape,
    head: usize,
    input: HeadInput<T>,
    received: &mut [T],
) {
    let (tokens, width) = shape.padded();
    let (count, queries) = (shape.tokens, shape.queries);
    let of_queries = queries * width;
    let lengths = [
        of_queries,
        count * width,
        shape.head() * tokens,
        of_queries,
        of_queries,
        queries * tokens,
        queries * tokens,
        count * width,
    ];
    with_space(
        lengths,
        |[
            query,
            rows,
            turned,
            gradient,
            output,
            shares,
            slopes,
            result,
        ]| {
            let scale = (shape.head() as f32).sqrt().recip();
            let columns = [0, 1, 2].map(|part| shape.packed(part, head));
            let joined = shape.joined(head);
            columns[0].read(input.packed, scale, query, width);
            joined.read(input.gradient, 1.0, gradient, width);

            columns[1].read_turned(input.packed, turned, tokens);
            multiply(rows_of(query, width), turned, shares, tokens);
            for (shares, &sum) in shares.chunks_exact_mut(tokens).zip(input.sums) {
                for share in &mut shares[..count] {
                    *share = exp((*share - sum).min(0.0));
                }
            }
            multiply(turned_of(shares, tokens), gradient, result, width);
            columns[2].write(result, width, 1.0, received);

            columns[2].read_turned(input.packed, turned, tokens);
            multiply(rows_of(gradient, width), turned, slopes, tokens);
            let weighed = shares
                .chunks_exact(tokens)
                .zip(slopes.chunks_exact_mut(tokens));
            for (shares, slopes) in weighed {
                // Not the output's product with its gradient: the output is rounded to its kind, and the mean is a
                // difference's part.
                let mean = product(&shares[..count], &slopes[..count]);
                for (slope, share) in slopes[..count].iter_mut().zip(shares) {
                    *slope = share * (*slope - mean);
                }
            }
            multiply(turned_of(slopes, tokens), query, result, width);
            columns[1].write(result, width, 1.0, received);

            columns[1].read(input.packed, 1.0, rows, width);
            multiply(rows_of(slopes, tokens), rows, output, width);
            let asked = queries * 3 * shape.width;
            columns[0].write(output, width, scale, &mut received[..asked]);
            for row in received[asked..].chunks_exact_mut(3 * shape.width) {
                row[columns[0].first..columns[0].first + columns[0].head].fill(T::of(0.0));
            }
        },
    );
}

fn rows_of(values: &[f32], width: usize) -> Left<'_> {
    Left {
        values,
        row: width,
        column: 1,
    }
}

fn turned_of(values: &[f32], width: usize) -> Left<'_> {
    Left {
        values,
        row: 1,
        column: width,
    }
}

/// The first `count` scores become shares that sum to 1. Returns the logarithm of the sum of their powers of e.
#[inline(always)]
fn softmax(scores: &mut [f32], count: usize) -> f32 {
    let scores = &mut scores[..count];
    let mut tops = [f32::NEG_INFINITY; LANES];
    let (blocks, rest) = scores.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            tops[lane] = if block[lane] > tops[lane] {
                block[lane]
            } else {
                tops[lane]
            };
        }
    }
    let top = tops
        .iter()
        .chain(rest)
        .copied()
        .fold(f32::NEG_INFINITY, f32::max);
    for score in scores.iter_mut() {
        *score = exp(*score - top);
    }
    let sum = total(scores);
    let scale = sum.recip();
    for score in scores.iter_mut() {
        *score *= scale;
    }
    top + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shapes() -> impl Strategy<Value = AttentionShape> {
        (1..4usize, 1..45usize, 1..4usize, 1..40usize, any::<bool>()).prop_map(
            |(images, tokens, heads, head, all)| AttentionShape {
                images,
                tokens,
                queries: if all { tokens } else { tokens.min(2) },
                heads,
                width: heads * head,
            },
        )
    }

    /// The same by libtorch in double precision, through autograd: output and gradient of `packed`.
    fn plain(packed: &Tensor, gradient: &Tensor, shape: AttentionShape) -> (Tensor, Tensor) {
        let sizes = [shape.images, shape.tokens, 3, shape.heads, shape.head()];
        let leaf = packed.to_kind(Kind::Double).set_requires_grad(true);
        let parts = leaf
            .view(sizes.map(|size| size as i64))
            .permute([2, 0, 3, 1, 4])
            .unbind(0);
        let query = parts[0].narrow(2, 0, shape.queries as i64) / (shape.head() as f64).sqrt();
        let shares = query
            .matmul(&parts[1].transpose(-2, -1))
            .softmax(-1, Kind::Double);
        let output = shares
            .matmul(&parts[2])
            .transpose(1, 2)
            .reshape([-1, shape.width as i64]);
        let sum = (&output * gradient.to_kind(Kind::Double)).sum(Kind::Double);
        let slope = Tensor::run_backward(&[sum], &[&leaf], false, false).remove(0);
        (output.detach(), slope)
    }

    /// Largest difference as a share of the largest value.
    fn distance(a: &Tensor, b: &Tensor) -> f64 {
        let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
        largest(&(a.to_kind(Kind::Double) - b)) / largest(b).max(1e-2)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn result_and_gradient_are_those_of_autograd(shape in shapes(), seed in 0..1000i64) {
            if !has_attention() {
                return Ok(());
            }
            tch::manual_seed(seed);
            let random = |rows: usize, width: usize| {
                Tensor::randn([rows as i64, width as i64], (Kind::Float, Device::Cpu))
            };
            let packed = random(shape.images * shape.tokens, 3 * shape.width) * 1.5;
            let gradient = random(shape.images * shape.queries, shape.width);
            for (kind, tolerance) in [(Kind::Float, 1e-5), (Kind::BFloat16, 5e-3)] {
                let (packed, gradient) = (packed.to_kind(kind), gradient.to_kind(kind));
                let (expected, slope) = plain(&packed, &gradient, shape);
                let mut output = gradient.zeros_like();
                let normalisers = attention(&packed, &mut output, shape).unwrap();
                prop_assert!(distance(&output, &expected) < tolerance);
                let mut received = packed.full_like(f64::NAN);
                let of = AttentionGradient {
                    packed: &packed,
                    normalisers: &normalisers,
                    output: &output,
                    gradient: &gradient,
                };
                attention_backward(of, &mut received, shape).unwrap();
                prop_assert!(distance(&received, &slope) < tolerance, "{}", distance(&received, &slope));
            }
        }
    }

    #[test]
    fn tensors_of_another_shape_are_refused() {
        let shape = AttentionShape {
            images: 1,
            tokens: 3,
            queries: 3,
            heads: 2,
            width: 4,
        };
        let zeros =
            |rows: i64, width: i64| Tensor::zeros([rows, width], (Kind::Float, Device::Cpu));
        assert!(attention(&zeros(3, 11), &mut zeros(3, 4), shape).is_err());
        assert!(attention(&zeros(3, 12), &mut zeros(2, 4), shape).is_err());
    }
}
