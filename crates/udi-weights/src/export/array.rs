//! Values with a shape, on the host.

/// `values` has as many numbers as `shape` says, row after row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// An array and the name that it has in a file.
pub(crate) type Named = (String, Array);

impl Array {
    pub fn new(shape: &[usize], values: Vec<f32>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        Self {
            shape: shape.to_vec(),
            values,
        }
    }

    /// Every value the same.
    pub fn filled(shape: &[usize], value: f32) -> Self {
        Self::new(shape, vec![value; shape.iter().product()])
    }

    /// Length of a row: the last side.
    pub fn width(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// Rows `first..first + count`, in this shape.
    pub fn rows(&self, (first, count): (usize, usize), shape: &[usize]) -> Self {
        let row = self.width();
        let values = self.values[first * row..(first + count) * row].to_vec();
        Self::new(shape, values)
    }

    /// Parts of equal size along the first side.
    pub fn split<const PARTS: usize>(&self) -> [Self; PARTS] {
        let mut shape = self.shape.clone();
        shape[0] /= PARTS;
        let size = self.values.len() / PARTS;
        std::array::from_fn(|part| {
            Self::new(&shape, self.values[part * size..(part + 1) * size].to_vec())
        })
    }

    /// `[rows, columns]` -> `[columns, rows]`
    pub fn transposed(&self) -> Self {
        let (rows, columns) = (self.shape[0], self.width());
        let value = |place: usize| self.values[place % rows * columns + place / rows];
        let values = (0..self.values.len()).map(value).collect();
        Self::new(&[columns, rows], values)
    }

    /// Value by value.
    pub fn plus(&self, other: &Self) -> Self {
        let sums = self.values.iter().zip(&other.values).map(|(a, b)| a + b);
        Self::new(&self.shape, sums.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(shape: &[usize]) -> Array {
        let count: usize = shape.iter().product();
        Array::new(shape, (0..count).map(|value| value as f32).collect())
    }

    #[test]
    fn a_transposed_matrix_has_columns_for_rows() {
        let values = vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0];
        assert_eq!(counted(&[2, 3]).transposed(), Array::new(&[3, 2], values));
    }

    #[test]
    fn parts_and_rows_are_cut_along_the_first_side_that_they_have() {
        let [first, second] = counted(&[4, 2]).split();
        assert_eq!(first, Array::new(&[2, 2], vec![0.0, 1.0, 2.0, 3.0]));
        assert_eq!(second, Array::new(&[2, 2], vec![4.0, 5.0, 6.0, 7.0]));
        let rows = counted(&[1, 4, 2]).rows((1, 2), &[1, 2, 2]);
        assert_eq!(rows, Array::new(&[1, 2, 2], vec![2.0, 3.0, 4.0, 5.0]));
    }
}
