//! Tensors as kernels take them.

use tch::{Device, Kind, Tensor};

use crate::rows::RowsError;

/// Bytes that a thread loads at once.
const LOAD: usize = 16;

/// The rows that an operation works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rows {
    pub rows: i64,
    pub width: i64,
    pub device: Device,
}

impl Rows {
    /// Those of a matrix.
    pub fn of(matrix: &Tensor) -> Result<Self, RowsError> {
        match *matrix.size().as_slice() {
            [rows, width] => Ok(Self {
                rows,
                width,
                device: matrix.device(),
            }),
            ref size => Err(RowsError::Layout(format!("a tensor of shape {size:?}"))),
        }
    }

    /// Refuses what is not a contiguous tensor of as many values, of this kind and on this device.
    pub fn expect(self, tensor: &Tensor, kind: Kind, values: i64) -> Result<(), RowsError> {
        let fits = tensor.kind() == kind
            && tensor.device() == self.device
            && tensor.is_contiguous()
            && tensor.numel() as i64 == values;
        match fits {
            true => Ok(()),
            false => Err(RowsError::Layout(format!(
                "{:?} {:?} on {:?} where {values} of {kind:?} on {:?} belong",
                tensor.kind(),
                tensor.size(),
                tensor.device(),
                self.device
            ))),
        }
    }

    /// The same of a matrix of these rows.
    pub fn expect_rows(self, tensor: &Tensor, kind: Kind) -> Result<(), RowsError> {
        self.expect(tensor, kind, self.values())
    }

    /// The same of one fp32 value a row.
    pub fn expect_factors(self, factors: Option<&Tensor>) -> Result<(), RowsError> {
        factors.map_or(Ok(()), |factors| {
            self.expect(factors, Kind::Float, self.rows)
        })
    }

    pub fn values(self) -> i64 {
        self.rows * self.width
    }

    /// New values of this kind on the device.
    pub fn empty(self, size: &[i64], kind: Kind) -> Tensor {
        Tensor::empty(size, (kind, self.device))
    }

    /// A new matrix of these rows.
    pub fn empty_rows(self, kind: Kind) -> Tensor {
        self.empty(&[self.rows, self.width], kind)
    }

    /// Values that a thread may load at once: `most`, or 1 where a row is no multiple of them or a matrix begins elsewhere.
    pub fn pack(self, most: i64, matrices: &[&Tensor]) -> i64 {
        let begins_well = |matrix: &&Tensor| (matrix.data_ptr() as usize).is_multiple_of(2 * LOAD);
        match self.width % most == 0 && matrices.iter().all(begins_well) {
            true => most,
            false => 1,
        }
    }
}

/// Values of this kind in one load.
pub(super) fn values_of_load(kind: Kind) -> i64 {
    (LOAD / kind.elt_size_in_bytes().max(1)) as i64
}
