//! Where each tensor lies in a safetensors file.

use std::{collections::HashMap, ops::Range};

use safetensors::{
    Dtype, SafeTensorError,
    tensor::{Metadata, TensorInfo},
};

/// A tensor that a file will hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name, once in a file.
    pub name: String,
    /// How its values are stored.
    pub dtype: Dtype,
    /// Its sides.
    pub shape: Vec<usize>,
}

/// A file before its tensors: its first bytes, and the place of everything that follows.
#[derive(Debug)]
pub struct Layout {
    header: Vec<u8>,
    /// In the order in which the tensors were given.
    places: Vec<Range<usize>>,
    /// Tensors in the order of the file.
    order: Vec<usize>,
}

/// The file begins with the length of the header's text in so many bytes, and the text is padded to a multiple of them.
const LENGTH_BYTES: usize = 8;

impl Layout {
    /// Orders the tensors as the crate `safetensors` does, so that a state has the same bytes whoever writes it: the
    /// widest kinds first, then by name.
    pub fn new(
        tensors: &[Described],
        metadata: HashMap<String, String>,
    ) -> Result<Self, SafeTensorError> {
        let mut order: Vec<usize> = (0..tensors.len()).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (&tensors[a], &tensors[b]);
            b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name))
        });
        let mut places = vec![0..0; tensors.len()];
        let mut infos = Vec::with_capacity(tensors.len());
        let mut end = 0;
        for &index in &order {
            let start = end;
            end += byte_count(&tensors[index])?;
            places[index] = start..end;
            infos.push(info(&tensors[index], (start, end)));
        }
        let header = header(&Metadata::new(Some(metadata), infos)?)?;
        let shifted = |place: Range<usize>| place.start + header.len()..place.end + header.len();
        Ok(Self {
            places: places.into_iter().map(shifted).collect(),
            header,
            order,
        })
    }

    /// What the file begins with.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The bytes of the file that are those of a tensor, by its number among those that were given.
    pub fn place(&self, index: usize) -> Range<usize> {
        self.places[index].clone()
    }

    /// Numbers of the tensors in the order of the file.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Length of the file.
    pub fn bytes(&self) -> usize {
        let last = self.order.last();
        last.map_or(self.header.len(), |&index| self.places[index].end)
    }
}

fn byte_count(tensor: &Described) -> Result<usize, SafeTensorError> {
    let sides = tensor.shape.iter();
    let values = sides.copied().try_fold(1usize, usize::checked_mul);
    let bits = values.and_then(|values| values.checked_mul(tensor.dtype.bitsize()));
    bits.map(|bits| bits / 8)
        .ok_or(SafeTensorError::ValidationOverflow)
}

fn info(tensor: &Described, data_offsets: (usize, usize)) -> (String, TensorInfo) {
    let info = TensorInfo {
        dtype: tensor.dtype,
        shape: tensor.shape.clone(),
        data_offsets,
    };
    (tensor.name.clone(), info)
}

fn header(metadata: &Metadata) -> Result<Vec<u8>, SafeTensorError> {
    let mut text = serde_json::to_vec(metadata)?;
    text.resize(text.len().next_multiple_of(LENGTH_BYTES), b' ');
    let mut header = (text.len() as u64).to_le_bytes().to_vec();
    header.append(&mut text);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use safetensors::tensor::TensorView;

    use super::*;

    fn tensors() -> impl Strategy<Value = Vec<(Described, Vec<u8>)>> {
        let dtype = prop_oneof![
            Just(Dtype::F32),
            Just(Dtype::F64),
            Just(Dtype::I64),
            Just(Dtype::BF16)
        ];
        let tensor = (dtype, vec(0usize..4, 0..3), any::<u8>());
        vec(tensor, 0..6).prop_map(|tensors| {
            let named = |(index, (dtype, shape, fill)): (usize, (Dtype, Vec<usize>, u8))| {
                let name = format!("tensor.{}", (index * 7) % 10);
                let described = Described { name, dtype, shape };
                let bytes = vec![fill; byte_count(&described).unwrap()];
                (described, bytes)
            };
            tensors.into_iter().enumerate().map(named).collect()
        })
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_the_crate_safetensors(tensors in tensors()) {
            let metadata = HashMap::from([("format".to_owned(), "test".to_owned())]);
            let described: Vec<_> = tensors.iter().map(|(described, _)| described.clone()).collect();
            let layout = Layout::new(&described, metadata.clone()).unwrap();
            let mut file = vec![0; layout.bytes()];
            file[..layout.header().len()].copy_from_slice(layout.header());
            for (index, (_, bytes)) in tensors.iter().enumerate() {
                file[layout.place(index)].copy_from_slice(bytes);
            }
            let views = tensors.iter().map(|(described, bytes)| {
                let view = TensorView::new(described.dtype, described.shape.clone(), bytes);
                (described.name.as_str(), view.unwrap())
            });
            prop_assert_eq!(file, safetensors::serialize(views, Some(metadata)).unwrap());
        }
    }

    #[test]
    fn a_size_that_no_file_has_is_an_error() {
        let absurd = Described {
            name: "absurd".to_owned(),
            dtype: Dtype::F32,
            shape: vec![usize::MAX, 2],
        };
        assert!(Layout::new(&[absurd], HashMap::new()).is_err());
    }
}
