//! Views to tokens, and the gradient of these.

use tch::{Kind, Tensor};

use super::{
    columns::Walk,
    operand::{Rows, values_of_load},
    program::{Argument, Grid, Program, Source},
};
use crate::{branch::BranchGradient, rows::RowsError};

/// A side of patches that the program holds where it is not asked for them.
const ANY_WIDTH: i64 = 16;

/// Cuts views `[images, 3, height, width]` of bytes on a CUDA device into patches of this side: `[images rows columns, 3 side
/// side]` in the kind asked for, each byte times its channel's scale, less its shift.
pub fn patches(
    views: &Tensor,
    side: i64,
    (scale, shift): ([f32; 3], [f32; 3]),
    kind: Kind,
) -> Result<Tensor, RowsError> {
    let (images, height, width) = match *views.size().as_slice() {
        [images, 3, height, width] if side > 0 && height % side == 0 && width % side == 0 => {
            (images, height, width)
        }
        ref size => {
            let words = format!("views of shape {size:?} for patches of {side}");
            return Err(RowsError::Layout(words));
        }
    };
    let rows = Rows {
        rows: images * (height / side) * (width / side),
        width: 3 * side * side,
        device: views.device(),
    };
    rows.expect(views, Kind::Uint8, rows.values())?;
    let output = rows.empty_rows(kind);
    let line = Rows {
        width: side,
        ..rows
    };
    let pack = line.pack(values_of_load(kind), &[views]);
    let packs = rows.values() / pack;
    if packs == 0 {
        return Ok(output);
    }
    let mut arguments = vec![
        views.into(),
        (&output).into(),
        Argument::Integer(packs),
        Argument::Integer(height),
        Argument::Integer(width),
    ];
    arguments.extend(scale.into_iter().chain(shift).map(Argument::Float));
    let program = Program::new(Source::Embedding, kind, pack)?.of_width(side);
    program.launch(
        "patches",
        rows.device,
        Grid::over(packs, rows.device)?,
        &arguments,
    )?;
    Ok(output)
}

/// Writes tokens `[images T, width]`, fp32, to `output` on a CUDA device: `table` `[T, width]`, fp32, is that of every image, to
/// whose rows behind the first `prefix` the products of its patches are added, `[images (T - prefix), width]`.
pub fn embed(
    products: &Tensor,
    table: &Tensor,
    prefix: i64,
    output: &mut Tensor,
) -> Result<(), RowsError> {
    let (rows, tokens) = (Rows::of(output)?, Rows::of(table)?.rows);
    let kind = products.kind();
    let images = rows.rows / tokens.max(1);
    rows.expect(output, Kind::Float, images * tokens * rows.width)?;
    rows.expect(table, Kind::Float, tokens * rows.width)?;
    rows.expect(products, kind, images * (tokens - prefix) * rows.width)?;
    let pack = rows.pack(values_of_load(Kind::Float), &[products, table, output]);
    let packs = rows.values() / pack;
    let arguments = [
        products.into(),
        table.into(),
        (&*output).into(),
        Argument::Integer(packs),
        Argument::Integer(prefix),
        Argument::Integer(tokens),
        Argument::Integer(rows.width),
    ];
    if packs == 0 {
        return Ok(());
    }
    let program = Program::new(Source::Embedding, kind, pack)?.of_width(ANY_WIDTH);
    program.launch(
        "embed",
        rows.device,
        Grid::over(packs, rows.device)?,
        &arguments,
    )
}

/// The gradient of [`embed`]'s products in this kind, from that of the tokens, with the sum of its rows.
pub fn patch_gradient(
    gradient: &Tensor,
    (prefix, tokens): (i64, i64),
    kind: Kind,
) -> Result<BranchGradient, RowsError> {
    let all = Rows::of(gradient)?;
    let images = all.rows / tokens.max(1);
    all.expect(gradient, Kind::Float, images * tokens * all.width)?;
    let rows = Rows {
        rows: images * (tokens - prefix),
        ..all
    };
    let output = rows.empty_rows(kind);
    let arguments = [
        gradient.into(),
        (&output).into(),
        Argument::Integer(prefix),
        Argument::Integer(tokens),
    ];
    let sums = Walk::over(rows, kind, &[gradient])?.run("patch_gradient", &arguments)?;
    Ok(BranchGradient { output, sums })
}
