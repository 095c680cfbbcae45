//! Attention among the tokens of an image: a block for each head, on tensor cores.

use tch::{Device, Kind, Tensor};

use super::{
    operand::Rows,
    program::{Argument, Grid, Program, Source, multiprocessors, usable_for},
};
use crate::{
    attention::{AttentionGradient, AttentionShape},
    lent,
    rows::RowsError,
};

/// Values of a head.
const HEAD: usize = 64;
/// Rows that a warp takes at once.
const TILE: usize = 16;
/// Tokens for which a block finds room for what it keeps, on the devices with the most of it.
const MOST_TOKENS: usize = 208;
/// Compute capability of the first tensor cores that take what the kernels give them, 8.0.
const CAPABILITY: i32 = 80;
/// Warps of a block of the forward kernel at most.
const FORWARD_WARPS: usize = 4;
const WARP: usize = 32;

/// Whether [`crate::attention`] and [`crate::attention_backward`] have kernels for this device, kind and shape.
pub fn has_cuda_attention(device: Device, kind: Kind, shape: AttentionShape) -> bool {
    let Device::Cuda(index) = device else {
        return false;
    };
    check(kind, shape).is_ok() && usable_for(index, CAPABILITY, shared(shape).1)
}

/// As [`crate::attention`].
pub(crate) fn attention(
    packed: &Tensor,
    output: &mut Tensor,
    shape: AttentionShape,
) -> Result<Tensor, RowsError> {
    let rows = rows_of(packed, shape)?;
    expect_queries(rows, output, (packed.kind(), shape))?;
    lent::apart(output, &[packed])?;
    let count = shape.images * shape.heads * shape.queries;
    let normalisers = rows.empty(&[count as i64], Kind::Float);
    let arguments = [packed.into(), (&*output).into(), (&normalisers).into()];
    let warps = tiles(shape.tokens).min(FORWARD_WARPS);
    let grid = grid(shape.images * shape.heads, warps, shared(shape).0);
    launch(
        (Source::Attention, "forward"),
        packed,
        grid,
        shape,
        &arguments,
    )?;
    Ok(normalisers)
}

/// As [`crate::attention_backward`].
pub(crate) fn attention_backward(
    of: AttentionGradient,
    received: &mut Tensor,
    shape: AttentionShape,
) -> Result<(), RowsError> {
    let (rows, kind) = (rows_of(of.packed, shape)?, of.packed.kind());
    let count = shape.images * shape.heads * shape.queries;
    rows.expect(of.normalisers, Kind::Float, count as i64)?;
    expect_queries(rows, of.output, (kind, shape))?;
    expect_queries(rows, of.gradient, (kind, shape))?;
    rows.expect_rows(received, kind)?;
    begins_well(received)?;
    let inputs = [of.packed, of.normalisers, of.output, of.gradient];
    lent::apart(received, &inputs)?;
    let mut arguments = inputs.map(Argument::from).to_vec();
    arguments.push((&*received).into());
    let (warps, blocks) = backward_blocks(shape.tokens);
    let blocks = multiprocessors(rows.device)? as usize * blocks;
    let heads = shape.images * shape.heads;
    let grid = grid(heads.min(blocks), warps, shared(shape).1);
    launch(
        (Source::AttentionBackward, "backward"),
        of.packed,
        grid,
        shape,
        &arguments,
    )
}

/// Warps of a block that computes gradients, and how many such blocks a multiprocessor has at once, one head after another:
/// `OWN_TILES` and `BACKWARD_BLOCKS` of the kernel.
fn backward_blocks(tokens: usize) -> (usize, usize) {
    let tiles = tiles(tokens);
    let (of_warp, most_threads) = if tiles > 4 { (2, 256) } else { (1, 384) };
    let warps = tiles.div_ceil(of_warp);
    (warps, most_threads / (warps * WARP))
}

fn tiles(rows: usize) -> usize {
    rows.div_ceil(TILE)
}

/// Bytes of shared memory of a block of each kernel: rows of keys and values; for the gradient, those of the next head's keys and
/// of queries too, two fp32 values of each query and the gradients of all scores.
fn shared(shape: AttentionShape) -> (usize, usize) {
    let (of_tokens, of_queries) = (tiles(shape.tokens), tiles(shape.queries));
    let rows = |tiles: usize| tiles * TILE * HEAD * 2;
    let slopes = of_tokens * of_queries * TILE * TILE * 2;
    let of_rows = 3 * rows(of_tokens) + 2 * rows(of_queries);
    (
        2 * rows(of_tokens),
        of_rows + slopes + 2 * of_queries * TILE * 4,
    )
}

/// Refuses what the kernels do not take.
fn check(kind: Kind, shape: AttentionShape) -> Result<(), RowsError> {
    let fits = matches!(kind, Kind::BFloat16 | Kind::Half)
        && (1..=MOST_TOKENS).contains(&shape.tokens)
        && (1..=shape.tokens).contains(&shape.queries)
        && shape.heads > 0
        && shape.width == shape.heads * HEAD;
    match fits {
        true => Ok(()),
        false => Err(RowsError::Layout(format!("{kind:?} for {shape:?}"))),
    }
}

/// The rows of tokens.
fn rows_of(packed: &Tensor, shape: AttentionShape) -> Result<Rows, RowsError> {
    check(packed.kind(), shape)?;
    let rows = Rows {
        rows: (shape.images * shape.tokens) as i64,
        width: 3 * shape.width as i64,
        device: packed.device(),
    };
    rows.expect_rows(packed, packed.kind())?;
    begins_well(packed)?;
    Ok(rows)
}

/// Refuses what is not a matrix of the rows of queries, `[images queries, width]`.
fn expect_queries(
    rows: Rows,
    matrix: &Tensor,
    (kind, shape): (Kind, AttentionShape),
) -> Result<(), RowsError> {
    let values = shape.images * shape.queries * shape.width;
    rows.expect(matrix, kind, values as i64)?;
    begins_well(matrix)
}

/// Kernels load and store 16 bytes at once.
fn begins_well(matrix: &Tensor) -> Result<(), RowsError> {
    match (matrix.data_ptr() as usize).is_multiple_of(16) {
        true => Ok(()),
        false => Err(RowsError::Layout(
            "one that begins at no multiple of 16 bytes".to_owned(),
        )),
    }
}

fn grid(blocks: usize, warps: usize, shared: usize) -> Grid {
    Grid {
        blocks: [blocks as i64, 1],
        threads: [(warps * WARP) as u32, 1],
        shared: shared as u32,
    }
}

/// Runs a kernel with these tensors and what it must know of the shape.
fn launch(
    (source, kernel): (Source, &'static str),
    packed: &Tensor,
    grid: Grid,
    shape: AttentionShape,
    tensors: &[Argument],
) -> Result<(), RowsError> {
    if grid.blocks[0] == 0 {
        return Ok(());
    }
    let mut arguments = tensors.to_vec();
    let counts = [shape.queries, shape.heads, shape.images * shape.heads];
    arguments.extend(counts.map(|count| Argument::Integer(count as i64)));
    Program::new(source, packed.kind(), 8)?
        .of_width(shape.tokens as i64)
        .launch(kernel, packed.device(), grid, &arguments)
}
