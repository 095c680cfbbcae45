//! A parameter under our names: as it is stored, or made of what is stored.

use std::fs::File;

use crate::{error::Flaw, stored::StoredTensor};

/// Where the values of one of our parameters come from. All of them are read as fp32.
#[derive(Debug, Clone, PartialEq)]
pub enum Derived {
    /// As it is stored.
    Stored(StoredTensor),
    /// `[1, n, C]` tensors one after the other along their second side.
    Joined(Vec<Derived>),
    /// Zeros where the file has no such parameter and none is the same as zeros.
    Zeros(Vec<usize>),
    /// `[rows, …]`, each row times its factor: a layer scale that becomes part of the layer before it.
    Scaled {
        /// The rows.
        values: StoredTensor,
        /// `[rows]`
        factors: StoredTensor,
    },
}

impl Derived {
    /// Sides.
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Self::Stored(stored) => stored.shape().to_vec(),
            Self::Scaled { values, .. } => values.shape().to_vec(),
            Self::Zeros(shape) => shape.clone(),
            Self::Joined(parts) => {
                let shapes: Vec<_> = parts.iter().map(Self::shape).collect();
                let rows = shapes.iter().filter_map(|shape| shape.get(1));
                let rows = rows.fold(0, |sum: usize, &rows| sum.saturating_add(rows));
                let width = shapes.first().and_then(|shape| shape.get(2)).copied();
                vec![1, rows, width.unwrap_or(0)]
            }
        }
    }

    /// Values, row after row.
    pub fn values(&self, name: &str, file: &File) -> Result<Vec<f32>, Flaw> {
        match self {
            Self::Stored(stored) => stored.values(name, file),
            Self::Zeros(shape) => Ok(vec![0.0; shape.iter().product()]),
            Self::Joined(parts) => {
                let values = parts.iter().map(|part| part.values(name, file));
                Ok(values.collect::<Result<Vec<_>, _>>()?.concat())
            }
            Self::Scaled { values, factors } => {
                let factors = factors.values(name, file)?;
                let mut values = values.values(name, file)?;
                let row = values.len() / factors.len().max(1);
                for (row, factor) in values.chunks_mut(row.max(1)).zip(factors) {
                    row.iter_mut().for_each(|value| *value *= factor);
                }
                Ok(values)
            }
        }
    }
}
