//! Weight-normalised prototypes and their gradients.

use tch::{Kind, Tensor};

use super::{
    layer_norm::{FORWARD_BLOCKS, grid},
    operand::{Rows, values_of_load},
    program::{Argument, Program, Source},
};
use crate::rows::RowsError;

/// Directions `[rows, width]`, each brought to its norm `[rows, 1]`: fp32, on a CUDA device.
pub fn prototypes(directions: &Tensor, norms: &Tensor) -> Result<Tensor, RowsError> {
    let rows = Rows::of(directions)?;
    let output = rows.empty_rows(Kind::Float);
    let arguments = [directions.into(), norms.into(), (&output).into()];
    launch("prototypes", rows, (directions, norms, &output), &arguments)?;
    Ok(output)
}

/// `gradient`, that of [`prototypes`], becomes that of the directions; returns that of the norms.
pub fn prototype_gradients(
    directions: &Tensor,
    norms: &Tensor,
    gradient: &mut Tensor,
) -> Result<Tensor, RowsError> {
    let rows = Rows::of(directions)?;
    rows.expect_rows(gradient, Kind::Float)?;
    let of_norms = rows.empty(&[rows.rows, 1], Kind::Float);
    let arguments = [
        directions.into(),
        norms.into(),
        (&*gradient).into(),
        (&of_norms).into(),
    ];
    launch("gradients", rows, (directions, norms, gradient), &arguments)?;
    Ok(of_norms)
}

fn launch(
    kernel: &'static str,
    rows: Rows,
    (directions, norms, changing): (&Tensor, &Tensor, &Tensor),
    arguments: &[Argument],
) -> Result<(), RowsError> {
    rows.expect_rows(directions, Kind::Float)?;
    rows.expect_factors(Some(norms))?;
    if rows.values() == 0 {
        return Ok(());
    }
    let pack = rows.pack(values_of_load(Kind::Float), &[directions, changing]);
    let program = Program::new(Source::Prototypes, Kind::Float, pack)?;
    let mut arguments = arguments.to_vec();
    arguments.push(Argument::Integer(rows.rows));
    let grid = grid(rows, FORWARD_BLOCKS)?;
    program
        .of_width(rows.width)
        .launch(kernel, rows.device, grid, &arguments)
}
