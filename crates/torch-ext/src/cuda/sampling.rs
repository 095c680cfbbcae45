//! Weighted sums of rows.

use tch::{Kind, Tensor};

use super::{
    operand::{Rows, values_of_load},
    program::{Argument, Grid, Program, Source},
};
use crate::rows::RowsError;

/// Sums of rows of `tokens` `[rows, width]` on a CUDA device, `[R, width]`: of those at `places` `[R, n]`, int64, which must be
/// below its rows, times `weights` `[R, n]`. All else is fp32.
pub fn weighted_rows(
    tokens: &Tensor,
    places: &Tensor,
    weights: &Tensor,
) -> Result<Tensor, RowsError> {
    let all = Rows::of(tokens)?;
    all.expect_rows(tokens, Kind::Float)?;
    let sums = Rows::of(weights)?;
    let (count, neighbours) = (sums.rows, sums.width);
    all.expect(weights, Kind::Float, count * neighbours)?;
    all.expect(places, Kind::Int64, count * neighbours)?;
    let rows = Rows { rows: count, ..all };
    let output = rows.empty_rows(Kind::Float);
    let pack = rows.pack(values_of_load(Kind::Float), &[tokens]);
    let packs = rows.values() / pack;
    if packs == 0 {
        return Ok(output);
    }
    let arguments = [
        tokens.into(),
        places.into(),
        weights.into(),
        (&output).into(),
        Argument::Integer(packs),
        Argument::Integer(neighbours),
        Argument::Integer(rows.width),
    ];
    let program = Program::new(Source::Sampling, Kind::Float, pack)?;
    program.launch(
        "weighted_rows",
        rows.device,
        Grid::over(packs, rows.device)?,
        &arguments,
    )?;
    Ok(output)
}
