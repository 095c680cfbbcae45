//! Layer normalisation, its gradient, and the residual branches beside it.

use tch::{Kind, Tensor};

use super::{
    operand::{Rows, values_of_load},
    program::{Argument, Grid, Program, Source, multiprocessors, parts},
};
use crate::{
    branch::BranchGradient,
    layer_norm::{NormGradients, Normed},
    rows::RowsError,
};

/// Threads of a block: eight rows.
const THREADS: u32 = 256;
const ROWS_OF_BLOCK: i64 = THREADS as i64 / 32;
/// Blocks of a multiprocessor; those of the gradient keep more in registers.
pub(super) const FORWARD_BLOCKS: i64 = 8;
const BACKWARD_BLOCKS: i64 = 2;

/// What a normalisation scales and shifts by, and adds to the variance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Norm<'a> {
    pub weight: &'a Tensor,
    pub bias: &'a Tensor,
    pub epsilon: f32,
}

/// Output of a residual branch, and a factor for each of its rows (None: 1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch<'a> {
    pub output: &'a Tensor,
    pub factors: Option<&'a Tensor>,
}

/// tokens + factor · output, fp32, where there is a branch; and that sum, or else the tokens, normalised for products of
/// this kind, where there is a norm.
pub(crate) fn add_branch_and_norm(
    tokens: &Tensor,
    branch: Option<Branch>,
    norm: Option<Norm>,
    kind: Kind,
) -> Result<(Option<Tensor>, Option<Normed>), RowsError> {
    let rows = Rows::of(tokens)?;
    rows.expect_rows(tokens, Kind::Float)?;
    let mut matrices = vec![tokens];
    if let Some(branch) = branch {
        rows.expect_rows(branch.output, kind)?;
        rows.expect_factors(branch.factors)?;
        matrices.push(branch.output);
    }
    if let Some(norm) = norm {
        rows.expect(norm.weight, Kind::Float, rows.width)?;
        rows.expect(norm.bias, Kind::Float, rows.width)?;
        matrices.extend([norm.weight, norm.bias]);
    }
    let sum = branch.map(|_| rows.empty_rows(Kind::Float));
    let normed = norm.map(|_| Normed {
        output: rows.empty_rows(kind),
        moments: rows.empty(&[rows.rows, 2], Kind::Float),
    });
    let arguments = [
        tokens.into(),
        Argument::Values(branch.map(|branch| branch.output)),
        Argument::Values(branch.and_then(|branch| branch.factors)),
        Argument::Values(sum.as_ref()),
        Argument::Values(norm.map(|norm| norm.weight)),
        Argument::Values(norm.map(|norm| norm.bias)),
        Argument::Values(normed.as_ref().map(|normed| &normed.output)),
        Argument::Values(normed.as_ref().map(|normed| &normed.moments)),
        Argument::Integer(rows.rows),
        Argument::Float(norm.map_or(0.0, |norm| norm.epsilon)),
    ];
    if rows.values() > 0 {
        let grid = grid(rows, FORWARD_BLOCKS)?;
        program(rows, kind, &matrices)?.launch("forward", rows.device, grid, &arguments)?;
    }
    Ok((sum, normed))
}

/// As [`crate::layer_norm_backward`]; then [`crate::branch_gradient`] of the sum with these factors, where `next` asks for it.
pub(crate) fn layer_norm_backward(
    gradient: &Tensor,
    (input, moments): (&Tensor, &Tensor),
    weight: &Tensor,
    sum: &mut Tensor,
    next: Option<Option<&Tensor>>,
) -> Result<(NormGradients, Option<BranchGradient>), RowsError> {
    let (rows, kind) = (Rows::of(input)?, gradient.kind());
    rows.expect_rows(gradient, kind)?;
    rows.expect_rows(input, Kind::Float)?;
    rows.expect_rows(sum, Kind::Float)?;
    rows.expect(moments, Kind::Float, 2 * rows.rows)?;
    rows.expect(weight, Kind::Float, rows.width)?;
    rows.expect_factors(next.flatten())?;
    let branch = next.map(|_| rows.empty_rows(kind));
    let grid = grid(rows, BACKWARD_BLOCKS)?;
    let partial = rows.empty(&[grid.blocks[0], 3, rows.width], Kind::Float);
    let arguments = [
        gradient.into(),
        input.into(),
        moments.into(),
        weight.into(),
        (&*sum).into(),
        Argument::Values(next.flatten()),
        Argument::Values(branch.as_ref()),
        (&partial).into(),
        Argument::Integer(rows.rows),
    ];
    if rows.width > 0 {
        let program = program(rows, kind, &[gradient, input, sum, weight])?;
        program.launch("backward", rows.device, grid, &arguments)?;
    }
    let sums = partial.sum_dim_intlist([0].as_slice(), false, Kind::Float);
    let gradients = NormGradients {
        weight: sums.get(0),
        bias: sums.get(1),
    };
    let branch = branch.map(|output| BranchGradient {
        output,
        sums: sums.get(2),
    });
    Ok((gradients, branch))
}

fn program(rows: Rows, kind: Kind, matrices: &[&Tensor]) -> Result<Program, RowsError> {
    let pack = rows.pack(values_of_load(Kind::Float), matrices);
    Ok(Program::new(Source::LayerNorm, kind, pack)?.of_width(rows.width))
}

pub(super) fn grid(rows: Rows, blocks: i64) -> Result<Grid, RowsError> {
    let most = blocks * multiprocessors(rows.device)?;
    let needed = parts(rows.rows, ROWS_OF_BLOCK);
    Ok(Grid {
        blocks: [needed.clamp(1, most), 1],
        threads: [THREADS, 1],
        shared: 0,
    })
}
