//! A tensor as it lies in a file: where, of which kind, in which order.

use std::{fs::File, os::unix::fs::FileExt};

use safetensors::Dtype;

use crate::{error::Flaw, numbers};

/// Bytes of a file that hold one storage, which tensors may share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// First byte in the file.
    pub start: u64,
    /// Bytes; the maker has made sure that they are within the file.
    pub length: u64,
    /// CRC-32 that the file states; None: it states none.
    pub crc: Option<u32>,
}

/// Values that a tensor may have beyond those of its storage (an expanded tensor repeats some): room for small ones, so
/// that a file cannot ask for more memory than it has bytes.
const MOST_REPEATED: u64 = 1 << 20;

/// Where a tensor's values lie, checked against its storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTensor {
    dtype: Dtype,
    shape: Vec<usize>,
    /// In values, one for each side of the shape.
    strides: Vec<usize>,
    /// First value in the region.
    offset: u64,
    region: Region,
}

/// What a file says of a tensor.
#[derive(Debug, Clone)]
pub struct Placement {
    /// Kind of its values.
    pub dtype: Dtype,
    /// Sides.
    pub shape: Vec<usize>,
    /// Steps in values; None: row after row.
    pub strides: Option<Vec<usize>>,
    /// First value in the region.
    pub offset: u64,
    /// The storage.
    pub region: Region,
}

impl StoredTensor {
    /// Refuses what leaves its storage, overflows or repeats without measure.
    pub fn new(name: &str, placement: Placement) -> Result<Self, Flaw> {
        let Placement {
            dtype,
            shape,
            strides,
            offset,
            region,
        } = placement;
        let size = numbers::size(dtype).ok_or_else(|| {
            Flaw::new(name, "a kind of number that is known", format!("{dtype:?}"))
        })?;
        let held = region.length / size;
        let outside = |found: String| {
            let expected = format!("a tensor within its storage of {held} values");
            Flaw::new(name, expected, found)
        };
        let count = product(&shape).ok_or_else(|| outside(format!("shape {shape:?}")))?;
        let strides = strides.unwrap_or_else(|| dense_strides(&shape));
        if strides.len() != shape.len() {
            let sides = format!("{} strides", shape.len());
            return Err(Flaw::new(name, sides, strides.len().to_string()));
        }
        let last = last_value(&shape, &strides, offset)
            .ok_or_else(|| outside(format!("shape {shape:?}, strides {strides:?}")))?;
        if count > 0 && last >= held {
            return Err(outside(format!("value {last}")));
        }
        if count > held.saturating_add(MOST_REPEATED) {
            return Err(outside(format!("{count} values")));
        }
        Ok(Self {
            dtype,
            shape,
            strides,
            offset,
            region,
        })
    }

    /// Sides.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of values.
    pub fn count(&self) -> usize {
        // Checked when it was made.
        product(&self.shape).unwrap_or(0) as usize
    }

    /// Values as little-endian bytes, row after row, in their own kind.
    pub fn bytes(&self, name: &str, file: &File) -> Result<Vec<u8>, Flaw> {
        if self.count() == 0 {
            return Ok(Vec::new());
        }
        let size = numbers::size(self.dtype).unwrap_or(1);
        // Checked when it was made.
        let last = last_value(&self.shape, &self.strides, self.offset).unwrap_or(self.offset);
        let mut span = vec![0; ((last - self.offset + 1) * size) as usize];
        let start = self.region.start + self.offset * size;
        file.read_exact_at(&mut span, start)
            .map_err(|error| Flaw::unread(name, &error))?;
        self.check_sum(name, &span)?;
        match self.strides == dense_strides(&self.shape) {
            true => Ok(span),
            false => Ok(self.gathered(&span, size as usize)),
        }
    }

    /// Values as fp32, row after row.
    pub fn values(&self, name: &str, file: &File) -> Result<Vec<f32>, Flaw> {
        Ok(numbers::to_floats(self.dtype, &self.bytes(name, file)?))
    }

    /// A storage that was read whole is compared with the sum that the file states.
    fn check_sum(&self, name: &str, bytes: &[u8]) -> Result<(), Flaw> {
        match self.region.crc {
            Some(crc) if bytes.len() as u64 == self.region.length => {
                let found = crc32fast::hash(bytes);
                let sum = |crc: u32| format!("a CRC-32 of {crc:08x}");
                match found == crc {
                    true => Ok(()),
                    false => Err(Flaw::new(name, sum(crc), sum(found))),
                }
            }
            _ => Ok(()),
        }
    }

    fn gathered(&self, span: &[u8], size: usize) -> Vec<u8> {
        let mut values = Vec::with_capacity(self.count() * size);
        let mut index = vec![0; self.shape.len()];
        for _ in 0..self.count() {
            let steps = index.iter().zip(&self.strides);
            let place: usize = steps.map(|(at, stride)| at * stride).sum::<usize>() * size;
            values.extend_from_slice(&span[place..place + size]);
            advance(&mut index, &self.shape);
        }
        values
    }
}

/// The next index in rows-first order.
fn advance(index: &mut [usize], shape: &[usize]) {
    for (at, &side) in index.iter_mut().zip(shape).rev() {
        *at += 1;
        if *at < side {
            return;
        }
        *at = 0;
    }
}

/// Strides of values that lie row after row.
fn dense_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for place in (1..shape.len()).rev() {
        strides[place - 1] = usize::saturating_mul(strides[place], shape[place]);
    }
    strides
}

fn product(shape: &[usize]) -> Option<u64> {
    let sides = shape.iter().map(|&side| side as u64);
    // A side of 0 makes it empty, whatever the others are.
    if shape.contains(&0) {
        return Some(0);
    }
    sides
        .into_iter()
        .try_fold(1u64, |count, side| count.checked_mul(side))
}

/// Place of the last value in the region, if it can be said.
fn last_value(shape: &[usize], strides: &[usize], offset: u64) -> Option<u64> {
    let sides = shape.iter().zip(strides);
    sides
        .into_iter()
        .try_fold(offset, |last, (&side, &stride)| {
            let steps = (side as u64).saturating_sub(1);
            last.checked_add(steps.checked_mul(stride as u64)?)
        })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    const VALUES: usize = 60;

    /// A file of the values 0, 1, …, in fp32.
    fn counting_file() -> File {
        let mut file = tempfile::tempfile().unwrap();
        let values: Vec<f32> = (0..VALUES).map(|value| value as f32).collect();
        file.write_all(&numbers::to_bytes(&values)).unwrap();
        file
    }

    fn placement(shape: &[usize], strides: &[usize], offset: u64) -> Placement {
        Placement {
            dtype: Dtype::F32,
            shape: shape.to_vec(),
            strides: Some(strides.to_vec()),
            offset,
            region: Region {
                start: 0,
                length: 4 * VALUES as u64,
                crc: None,
            },
        }
    }

    /// Places of the values one by one, as the strides say.
    fn places(shape: &[usize], strides: &[usize], offset: usize) -> Vec<usize> {
        match (shape.split_first(), strides.split_first()) {
            (Some((&side, shape)), Some((&stride, strides))) => (0..side)
                .flat_map(|at| places(shape, strides, offset + at * stride))
                .collect(),
            _ => vec![offset],
        }
    }

    proptest! {
        #[test]
        fn values_lie_where_the_strides_say_or_the_tensor_is_refused(
            sides in vec((0usize..5, 0usize..20), 0..4),
            offset in 0u64..80,
        ) {
            let (shape, strides): (Vec<_>, Vec<_>) = sides.into_iter().unzip();
            let expected = places(&shape, &strides, offset as usize);
            let fits = expected.iter().all(|&place| place < VALUES);
            match StoredTensor::new("it", placement(&shape, &strides, offset)) {
                Ok(stored) => {
                    prop_assert!(fits);
                    let values = stored.values("it", &counting_file()).unwrap();
                    let expected: Vec<f32> = expected.iter().map(|&place| place as f32).collect();
                    prop_assert_eq!(values, expected);
                }
                Err(_) => prop_assert!(!fits),
            }
        }

        #[test]
        fn numbers_of_any_size_are_answered(
            shape in vec(any::<usize>(), 0..4),
            strides in vec(any::<usize>(), 0..4),
            offset in any::<u64>(),
        ) {
            if let Ok(stored) = StoredTensor::new("it", placement(&shape, &strides, offset)) {
                prop_assert!(stored.count() <= VALUES + MOST_REPEATED as usize);
            }
        }
    }

    #[test]
    fn an_overflowing_shape_of_no_values_is_empty() {
        let shape = [usize::MAX, usize::MAX, 0];
        let stored = StoredTensor::new("it", placement(&shape, &[1, 1, 1], 0));
        if let Ok(stored) = stored {
            assert!(stored.values("it", &counting_file()).unwrap().is_empty());
        }
    }
}
