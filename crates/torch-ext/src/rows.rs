//! Rows of CPU tensors as slices, worked on by all of the engine's threads.

use std::ops::Range;

use tch::{Device, Kind, TchError, Tensor};
use thiserror::Error;

use crate::parallel::{parallel, parts_for};

/// A tensor whose rows cannot be lent.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RowsError {
    /// It is no contiguous matrix of the CPU of the kind that the operation works on.
    #[error(
        "expected a contiguous matrix on the CPU of the operation's kind and width, received {0}"
    )]
    Layout(String),
    /// Its number of rows is not that of the others.
    #[error("expected {expected} rows, or for an input a divisor of them, received {received}")]
    Count {
        /// Rows of the first output.
        expected: usize,
        /// Its rows.
        received: usize,
    },
    /// An output shares memory with another tensor.
    #[error("expected outputs that share no memory with other tensors")]
    Overlap,
    /// A kernel of a CUDA device failed.
    #[error("{0}")]
    Kernel(String),
}

impl From<TchError> for RowsError {
    fn from(error: TchError) -> Self {
        Self::Kernel(error.to_string())
    }
}

/// Calls `body(row, outputs, inputs)` for every row, each row on one thread; rows are shared out evenly.
///
/// All tensors are contiguous fp32 matrices `[rows, any width]` on the CPU. An input of fewer rows starts again at its end.
pub fn for_rows<const OUTPUTS: usize, const INPUTS: usize>(
    outputs: [&mut Tensor; OUTPUTS],
    inputs: [&Tensor; INPUTS],
    body: impl Fn(usize, [&mut [f32]; OUTPUTS], [&[f32]; INPUTS]) + Sync,
) -> Result<(), RowsError> {
    let outputs = try_each(outputs, |tensor| Matrix::of(tensor))?;
    let inputs = try_each(inputs, Matrix::of)?;
    let rows = outputs.first().map_or(0, |output| output.rows);
    check(rows, &outputs, &inputs)?;
    let part = |range: Range<usize>| {
        for row in range {
            // SAFETY: `row` is below the rows of the outputs; each row is visited by one thread, and outputs overlap neither each
            // other nor an input (`check`), so that what is lent mutably is lent once.
            let lent = unsafe {
                (
                    outputs.map(|output| output.row_mut(row)),
                    inputs.map(|input| input.row(row)),
                )
            };
            body(row, lent.0, lent.1);
        }
    };
    let widths = outputs.iter().chain(&inputs).map(|matrix| matrix.width);
    in_parts(rows, widths.sum(), part);
    Ok(())
}

/// Splits `0..rows` of this many values each among the engine's threads, this one among them.
pub(crate) fn in_parts(rows: usize, width: usize, part: impl Fn(Range<usize>) + Sync) {
    let parts = parts_for(rows.saturating_mul(width)).min(rows).max(1);
    let range = |index: usize| index * rows / parts..(index + 1) * rows / parts;
    parallel((0..parts).map(range).collect(), part);
}

/// Where a matrix lies. Its tensor is borrowed for as long as one of these is in use.
#[derive(Debug, Clone, Copy)]
struct Matrix {
    values: *mut f32,
    rows: usize,
    width: usize,
}

// SAFETY: only `for_rows` makes them, and what it does with the memory behind them is sound from any thread.
unsafe impl Sync for Matrix {}

impl Matrix {
    fn of(tensor: &Tensor) -> Result<Self, RowsError> {
        let size = tensor.size();
        let fits = tensor.device() == Device::Cpu
            && tensor.kind() == Kind::Float
            && tensor.is_contiguous();
        match size.as_slice() {
            &[rows, width] if fits => Ok(Self {
                values: tensor.data_ptr().cast(),
                rows: rows as usize,
                width: width as usize,
            }),
            _ => Err(RowsError::Layout(format!(
                "{:?} {size:?} on {:?}",
                tensor.kind(),
                tensor.device()
            ))),
        }
    }

    fn addresses(&self) -> Range<usize> {
        let start = self.values as usize;
        start..start + self.rows * self.width * size_of::<f32>()
    }

    fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (self.addresses(), other.addresses());
        !a.is_empty() && !b.is_empty() && a.start < b.end && b.start < a.end
    }

    /// # Safety
    /// It has rows, and nobody writes to them meanwhile.
    unsafe fn row<'a>(self, row: usize) -> &'a [f32] {
        let row = row % self.rows;
        // SAFETY: the matrix is contiguous, so the row lies within its memory.
        unsafe { std::slice::from_raw_parts(self.values.add(row * self.width), self.width) }
    }

    /// # Safety
    /// `row < self.rows`, and nobody else reads or writes it meanwhile.
    unsafe fn row_mut<'a>(self, row: usize) -> &'a mut [f32] {
        // SAFETY: the matrix is contiguous, so the row lies within its memory.
        unsafe { std::slice::from_raw_parts_mut(self.values.add(row * self.width), self.width) }
    }
}

fn check(rows: usize, outputs: &[Matrix], inputs: &[Matrix]) -> Result<(), RowsError> {
    let uneven = |input: &&Matrix| rows > 0 && !(input.rows > 0 && rows.is_multiple_of(input.rows));
    let odd = outputs.iter().find(|output| output.rows != rows);
    let odd = odd.or_else(|| inputs.iter().find(uneven));
    if let Some(matrix) = odd {
        return Err(RowsError::Count {
            expected: rows,
            received: matrix.rows,
        });
    }
    for (index, output) in outputs.iter().enumerate() {
        let others = outputs[index + 1..].iter().chain(inputs);
        if others.into_iter().any(|other| output.overlaps(other)) {
            return Err(RowsError::Overlap);
        }
    }
    Ok(())
}

fn try_each<T, U, const COUNT: usize>(
    values: [T; COUNT],
    convert: impl Fn(T) -> Result<U, RowsError>,
) -> Result<[U; COUNT], RowsError>
where
    U: Copy,
{
    let converted = values
        .into_iter()
        .map(convert)
        .collect::<Result<Vec<U>, _>>()?;
    // As many as went in.
    Ok(std::array::from_fn(|index| converted[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: i64, width: i64) -> Tensor {
        Tensor::arange(rows * width, (Kind::Float, Device::Cpu)).view([rows, width])
    }

    #[test]
    fn every_row_is_visited_once_with_the_rows_of_its_inputs() {
        let mut sums = Tensor::zeros([6, 1], (Kind::Float, Device::Cpu));
        let (values, shared) = (matrix(6, 5), matrix(2, 5));
        for_rows(
            [&mut sums],
            [&values, &shared],
            |_, [sum], [values, shared]| {
                sum[0] += values.iter().zip(shared).map(|(a, b)| a * b).sum::<f32>();
            },
        )
        .unwrap();
        let expected = (values * shared.repeat([3, 1])).sum_dim_intlist(-1, true, Kind::Float);
        assert_eq!(sums, expected);
    }

    #[test]
    fn threads_share_out_rows_that_are_many_values() {
        let (rows, width) = (7, 1 << 19);
        let mut marks = Tensor::zeros([rows, 2], (Kind::Float, Device::Cpu));
        let values = Tensor::ones([rows, width], (Kind::Float, Device::Cpu));
        for_rows([&mut marks], [&values], |row, [mark], [values]| {
            mark[0] += row as f32;
            mark[1] += values.iter().sum::<f32>();
        })
        .unwrap();
        let expected: Vec<f32> = (0..rows)
            .flat_map(|row| [row as f32, width as f32])
            .collect();
        assert_eq!(marks, Tensor::from_slice(&expected).view([rows, 2]));
    }

    #[test]
    fn tensors_that_cannot_be_lent_are_refused() {
        let body = |_: usize, _: [&mut [f32]; 1], _: [&[f32]; 1]| ();
        let (mut output, input) = (matrix(4, 3), matrix(4, 3));
        assert!(matches!(
            for_rows([&mut output], [&input.tr()], body),
            Err(RowsError::Layout(_))
        ));
        let doubles = input.to_kind(Kind::Double);
        assert!(matches!(
            for_rows([&mut output], [&doubles], body),
            Err(RowsError::Layout(_))
        ));
        let error = for_rows([&mut output], [&matrix(3, 3)], body).unwrap_err();
        assert_eq!(
            error,
            RowsError::Count {
                expected: 4,
                received: 3
            }
        );
        let same = output.shallow_clone();
        assert_eq!(
            for_rows([&mut output], [&same], body),
            Err(RowsError::Overlap)
        );
        let (mut first, second) = (output.narrow(0, 0, 2), output.narrow(0, 2, 2));
        assert_eq!(for_rows([&mut first], [&second], body), Ok(()));
    }
}
