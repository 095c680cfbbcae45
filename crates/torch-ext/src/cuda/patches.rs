//! Views of bytes to rows of patches.

use tch::{Kind, Tensor};

use super::{
    operand::{Rows, values_of_load},
    program::{Argument, Grid, Program, Source, multiprocessors},
};
use crate::rows::RowsError;

const THREADS: i64 = 256;
/// Blocks of a multiprocessor.
const BLOCKS: i64 = 16;

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
    let output = rows.new_rows(kind);
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
    let blocks = (packs + THREADS - 1) / THREADS;
    let grid = Grid {
        blocks: [blocks.min(BLOCKS * multiprocessors(rows.device)?), 1],
        threads: [THREADS as u32, 1],
    };
    let program = Program::new(Source::Patches, kind, pack)?.of_width(side);
    program.launch("patches", rows.device, grid, &arguments)?;
    Ok(output)
}
