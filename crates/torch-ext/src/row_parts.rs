//! Matrices cut into parts of whole rows, one for each thread.

use tch::Tensor;

use crate::{element::Element, lent, parallel::parts_for, rows::RowsError};

/// Rows and width of the matrices that one operation works on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub rows: usize,
    pub width: usize,
    part: usize,
}

impl Shape {
    /// That of a matrix `[rows, width]`.
    pub fn of(matrix: &Tensor) -> Result<Self, RowsError> {
        match matrix.size().as_slice() {
            &[rows, width] => Ok(Self::new(rows as usize, width as usize)),
            size => Err(RowsError::Layout(format!("a tensor of shape {size:?}"))),
        }
    }

    fn new(rows: usize, width: usize) -> Self {
        let part = rows.div_ceil(parts_for(rows * width)).max(1);
        Self { rows, width, part }
    }

    /// Rows of every part but the last.
    pub fn rows_of_part(self) -> usize {
        self.part
    }

    /// Parts that it is cut into.
    pub fn parts(self) -> usize {
        self.rows.div_ceil(self.part)
    }

    /// The parts of a tensor of `columns` values a row.
    pub fn cut<T: Element>(
        self,
        tensor: &Tensor,
        columns: usize,
    ) -> Result<impl Iterator<Item = &[T]>, RowsError> {
        let values = lent::values::<T>(tensor)?;
        self.expect(values.len(), columns)?;
        Ok(values.chunks((self.part * columns).max(1)))
    }

    /// The same to write to.
    ///
    /// # Safety
    /// That of [`lent::values_mut`].
    pub unsafe fn cut_mut<T: Element>(
        self,
        tensor: &mut Tensor,
        columns: usize,
    ) -> Result<impl Iterator<Item = &mut [T]>, RowsError> {
        // SAFETY: the caller's promise.
        let values = unsafe { lent::values_mut::<T>(tensor)? };
        self.expect(values.len(), columns)?;
        Ok(values.chunks_mut((self.part * columns).max(1)))
    }

    fn expect(self, received: usize, columns: usize) -> Result<(), RowsError> {
        match received == self.rows * columns {
            true => Ok(()),
            false => Err(RowsError::Count {
                expected: self.rows,
                received: received / columns.max(1),
            }),
        }
    }
}
