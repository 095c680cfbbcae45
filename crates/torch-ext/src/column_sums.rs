//! Sums over the rows of a matrix, gathered part by part.

use tch::Tensor;

use crate::{
    cuda,
    element::{Bf16, Element},
    parallel::parallel,
    row_parts::Shape,
    rows::RowsError,
    vector::{Kernel, vectorised},
};

/// One row of sums for each part of a matrix.
pub(crate) struct Sums {
    values: Vec<f32>,
    width: usize,
}

impl Sums {
    pub fn zeros(shape: Shape) -> Self {
        Self {
            values: vec![0.0; shape.parts() * shape.width],
            width: shape.width,
        }
    }

    /// The rows, one for each part.
    pub fn parts(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.values.chunks_mut(self.width.max(1))
    }

    /// Their sum, `[width]`.
    pub fn total(self) -> Tensor {
        let mut total = vec![0.0; self.width];
        for part in self.values.chunks(self.width.max(1)) {
            add(&mut total, part);
        }
        Tensor::from_slice(&total)
    }
}

/// Adds a row to sums.
#[inline(always)]
pub(crate) fn add<T: Element>(sums: &mut [f32], row: &[T]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value.read();
    }
}

/// Sum of the rows of a matrix of fp32 or bf16, on a CUDA device fp16 too: `[rows, width]` -> `[width]`, fp32.
pub fn column_sums(matrix: &Tensor) -> Result<Tensor, RowsError> {
    if matrix.device().is_cuda() {
        return cuda::column_sums(matrix);
    }
    match matrix.kind() {
        Bf16::KIND => sums_of::<Bf16>(matrix),
        _ => sums_of::<f32>(matrix),
    }
}

/// Writes three matrices `[rows, width]` of one kind beside each other into `joined`, `[rows, 3 width]`: the sums of the rows of
/// that, fp32.
pub fn join_columns(parts: [&Tensor; 3], joined: &mut Tensor) -> Result<Tensor, RowsError> {
    if joined.device().is_cuda() {
        return cuda::join(parts, joined);
    }
    joined.copy_(&Tensor::cat(&parts, 1));
    column_sums(joined)
}

fn sums_of<T: Element>(matrix: &Tensor) -> Result<Tensor, RowsError> {
    let shape = Shape::of(matrix)?;
    let mut sums = Sums::zeros(shape);
    let rows = shape.cut::<T>(matrix, shape.width)?;
    let parts = rows.zip(sums.parts());
    parallel(parts.collect(), |(rows, sums)| {
        vectorised(Columns {
            rows,
            sums,
            width: shape.width,
        });
    });
    Ok(sums.total())
}

struct Columns<'a, T> {
    rows: &'a [T],
    sums: &'a mut [f32],
    width: usize,
}

impl<T: Element> Kernel for Columns<'_, T> {
    #[inline(always)]
    fn run(self) {
        for row in self.rows.chunks_exact(self.width) {
            add(self.sums, row);
        }
    }
}
