//! Passes over matrices that also sum their rows.

use tch::{Kind, Tensor};

use super::{
    operand::{Rows, values_of_load},
    program::{Argument, Grid, Program, Source, multiprocessors, parts},
};
use crate::{branch::BranchGradient, gelu::GeluBackward, rows::RowsError};

/// Threads of a block: packs of columns beside each other, rows below each other.
const THREADS: [u32; 2] = [32, 8];
/// Blocks of a multiprocessor.
const BLOCKS: i64 = 8;

/// As [`crate::column_sums`].
pub(crate) fn column_sums(matrix: &Tensor) -> Result<Tensor, RowsError> {
    let rows = Rows::of(matrix)?;
    let walk = Walk::over(rows, matrix.kind(), &[matrix])?;
    rows.expect_rows(matrix, matrix.kind())?;
    walk.run("column_sums", &[matrix.into()])
}

/// As [`crate::branch_gradient`].
pub(crate) fn branch_gradient(
    gradient: &Tensor,
    factors: Option<&Tensor>,
    kind: Kind,
) -> Result<BranchGradient, RowsError> {
    let rows = Rows::of(gradient)?;
    rows.expect_rows(gradient, Kind::Float)?;
    rows.expect_factors(factors)?;
    let output = rows.empty_rows(kind);
    let walk = Walk::over(rows, kind, &[gradient])?;
    let arguments = [gradient.into(), Argument::Values(factors), (&output).into()];
    let sums = walk.run("branch_gradient", &arguments)?;
    Ok(BranchGradient { output, sums })
}

/// As [`crate::join_columns`].
pub(crate) fn join(parts: [&Tensor; 3], joined: &mut Tensor) -> Result<Tensor, RowsError> {
    let [first, ..] = parts;
    let (part, kind) = (Rows::of(first)?, first.kind());
    parts
        .into_iter()
        .try_for_each(|matrix| part.expect_rows(matrix, kind))?;
    let rows = Rows {
        width: 3 * part.width,
        ..part
    };
    rows.expect_rows(joined, kind)?;
    let [first, second, third] = parts;
    let pack = part.pack(values_of_load(kind), &[first, second, third, joined]);
    let walk = Walk::with_pack(rows, kind, pack)?;
    let [first, second, third] = parts.map(Argument::from);
    walk.run("join", &[first, second, third, (&*joined).into()])
}

/// As [`crate::gelu`].
pub(crate) fn gelu(input: &Tensor) -> Result<Tensor, RowsError> {
    let (rows, kind) = (Rows::of(input)?, input.kind());
    rows.expect_rows(input, kind)?;
    let output = rows.empty_rows(kind);
    let pack = rows.pack(values_of_load(kind), &[input]);
    let packs = rows.values() / pack;
    if packs == 0 {
        return Ok(output);
    }
    let grid = Grid::over(packs, rows.device)?;
    let arguments = [input.into(), (&output).into(), Argument::Integer(packs)];
    Program::new(Source::Columns, kind, pack)?.launch("gelu", rows.device, grid, &arguments)?;
    Ok(output)
}

/// As [`crate::gelu_backward`].
pub(crate) fn gelu_backward(
    input: &Tensor,
    gradient: &mut Tensor,
) -> Result<GeluBackward, RowsError> {
    let (rows, kind) = (Rows::of(input)?, input.kind());
    rows.expect_rows(input, kind)?;
    rows.expect_rows(gradient, kind)?;
    let activated = rows.empty_rows(kind);
    let walk = Walk::over(rows, kind, &[input, gradient])?;
    let arguments = [input.into(), (&*gradient).into(), (&activated).into()];
    let sums = walk.run("gelu_backward", &arguments)?;
    Ok(GeluBackward { activated, sums })
}

/// A pass whose threads walk down their columns.
pub(super) struct Walk {
    rows: Rows,
    program: Program,
    grid: Grid,
}

impl Walk {
    pub fn over(rows: Rows, kind: Kind, matrices: &[&Tensor]) -> Result<Self, RowsError> {
        let pack = rows.pack(values_of_load(kind), matrices);
        Self::with_pack(rows, kind, pack)
    }

    fn with_pack(rows: Rows, kind: Kind, pack: i64) -> Result<Self, RowsError> {
        let columns = i64::from(THREADS[0]) * pack;
        let across = parts(rows.width, columns);
        let most = (BLOCKS * multiprocessors(rows.device)? / across.max(1)).max(1);
        let lanes = i64::from(THREADS[1]);
        Ok(Self {
            rows,
            program: Program::new(Source::Columns, kind, pack)?,
            grid: Grid {
                blocks: [across, parts(rows.rows, lanes).clamp(1, most)],
                threads: THREADS,
                shared: 0,
            },
        })
    }

    /// Runs a kernel with these arguments in front: the sums of rows that it takes, `[width]`, fp32.
    pub fn run(self, kernel: &'static str, arguments: &[Argument]) -> Result<Tensor, RowsError> {
        let [across, down] = self.grid.blocks;
        let partial = self.rows.empty(&[down, self.rows.width], Kind::Float);
        let mut arguments = arguments.to_vec();
        arguments.push((&partial).into());
        arguments.push(Argument::Integer(self.rows.rows));
        arguments.push(Argument::Integer(self.rows.width));
        if across > 0 {
            self.program
                .launch(kernel, self.rows.device, self.grid, &arguments)?;
        }
        Ok(partial.sum_dim_intlist([0].as_slice(), false, Kind::Float))
    }
}
