//! Softmax and cross-entropy of rows of logits.

use tch::{Kind, Tensor};

use super::{
    operand::{Rows, values_of_load},
    program::{Argument, Grid, Program, Source, parts},
};
use crate::rows::RowsError;

/// Most threads of a block, which has one row: two blocks of a multiprocessor, whose rows stay in the second cache.
const MOST_THREADS: i64 = 1024;
const WARP: i64 = 32;

/// As [`crate::softmax_rows`].
pub(crate) fn softmax_rows(
    logits: &Tensor,
    center: &Tensor,
    temperature: f32,
) -> Result<Tensor, RowsError> {
    let (rows, kind) = (Rows::of(logits)?, logits.kind());
    rows.expect_rows(logits, kind)?;
    rows.expect(center, Kind::Float, rows.width)?;
    let output = match kind {
        Kind::Float => logits.shallow_clone(),
        _ => rows.empty_rows(Kind::Float),
    };
    let arguments = [
        logits.into(),
        center.into(),
        (&output).into(),
        Argument::Integer(rows.width),
        Argument::Float(temperature),
    ];
    launch("softmax", rows, kind, &[logits, center], &arguments)?;
    Ok(output)
}

/// As [`crate::cross_entropy_rows`].
pub(crate) fn cross_entropy_rows(
    logits: &mut Tensor,
    targets: &[&Tensor],
    temperature: f32,
    scale: f32,
) -> Result<Tensor, RowsError> {
    let (rows, kind) = (Rows::of(logits)?, logits.kind());
    rows.expect_rows(logits, kind)?;
    let (first, second) = match *targets {
        [first] => (first, None),
        [first, second] => (first, Some(second)),
        _ => return Err(RowsError::Layout(format!("{} views", targets.len()))),
    };
    let count = Rows::of(first)?.rows;
    for target in targets {
        rows.expect(target, Kind::Float, count * rows.width)?;
    }
    if rows.rows > 0 && (count == 0 || rows.rows % count != 0) {
        return Err(RowsError::Count {
            expected: rows.rows as usize,
            received: count as usize,
        });
    }
    let entropies = rows.empty(&[rows.rows], Kind::Float);
    let arguments = [
        (&*logits).into(),
        first.into(),
        Argument::Values(second),
        (&entropies).into(),
        Argument::Integer(rows.width),
        Argument::Integer(count),
        Argument::Float(temperature),
        Argument::Float(scale),
    ];
    let mut matrices = targets.to_vec();
    matrices.push(logits);
    launch("cross_entropy", rows, kind, &matrices, &arguments)?;
    Ok(entropies)
}

fn launch(
    kernel: &'static str,
    rows: Rows,
    kind: Kind,
    matrices: &[&Tensor],
    arguments: &[Argument],
) -> Result<(), RowsError> {
    if rows.values() == 0 {
        return Ok(());
    }
    let pack = rows.pack(values_of_load(kind), matrices);
    let threads = parts(parts(rows.width, pack), WARP) * WARP;
    let grid = Grid {
        blocks: [rows.rows, 1],
        threads: [threads.min(MOST_THREADS) as u32, 1],
        shared: 0,
    };
    Program::new(Source::Softmax, kind, pack)?.launch(kernel, rows.device, grid, arguments)
}
