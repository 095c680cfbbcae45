//! The backbone of a checkpoint in memory, under the names that it has within its network.

use std::collections::BTreeMap;

use super::{
    array::{Array, Named},
    positions::resample_positions,
    stored_as::StoredAs,
};
use crate::{
    checkpoint::{Branch, Checkpoint},
    error::{Flaw, WeightsError},
    shape::BACKBONE,
};

/// What a graph of it needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Embedding dimension C.
    pub width: usize,
    /// Blocks.
    pub depth: usize,
    /// Attention heads.
    pub heads: usize,
    /// Hidden units of a block's MLP.
    pub mlp_width: usize,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Class tokens in front.
    pub class_tokens: usize,
    /// Height and width in pixels of the images for which positions are stored.
    pub image_size: (usize, usize),
}

impl Geometry {
    /// Rows and columns of the token grid.
    pub fn grid(&self) -> (usize, usize) {
        let (height, width) = self.image_size;
        (height / self.patch_size, width / self.patch_size)
    }

    /// Patch tokens.
    pub fn patches(&self) -> usize {
        let (rows, columns) = self.grid();
        rows * columns
    }
}

/// Geometry and values.
#[derive(Debug)]
pub(crate) struct Backbone {
    pub geometry: Geometry,
    tensors: BTreeMap<String, Array>,
}

impl Backbone {
    /// Reads the backbone of one network, and nothing else of the file.
    pub fn read(
        checkpoint: &Checkpoint,
        branch: Branch,
        heads: usize,
    ) -> Result<Self, WeightsError> {
        let shape = checkpoint.shape();
        let mut tensors = BTreeMap::new();
        for parameter in shape.parameters() {
            if let Some(name) = parameter.name.strip_prefix(BACKBONE) {
                let values = checkpoint.values(branch, &parameter.name)?;
                tensors.insert(name.to_owned(), Array::new(&parameter.shape, values));
            }
        }
        let backbone = shape.backbone;
        if !backbone.width.is_multiple_of(heads) {
            let expected = format!("a divisor of the width {}", backbone.width);
            let flaw = Flaw::new("heads", expected, heads.to_string());
            return Err(checkpoint.flawed(flaw));
        }
        let geometry = Geometry {
            width: backbone.width,
            depth: backbone.depth,
            heads,
            mlp_width: backbone.mlp_width,
            patch_size: backbone.patch_size,
            class_tokens: backbone.class_tokens,
            image_size: (backbone.image_size, backbone.image_size),
        };
        Ok(Self { geometry, tensors })
    }

    /// One without a file, whose values are all different.
    #[cfg(test)]
    pub fn counted(geometry: Geometry) -> Self {
        let shape = crate::shape::ModelShape {
            backbone: crate::shape::BackboneShape {
                width: geometry.width,
                depth: geometry.depth,
                mlp_width: geometry.mlp_width,
                patch_size: geometry.patch_size,
                image_size: geometry.image_size.0,
                class_tokens: geometry.class_tokens,
            },
            sampling: false,
            head: None,
        };
        let mut next = 0;
        let tensors = shape.parameters().into_iter().map(|parameter| {
            let values = Array::filled(&parameter.shape, 0.0).values.into_iter();
            let counted = values.map(|_| {
                next += 1;
                next as f32
            });
            let array = Array::new(&parameter.shape, counted.collect());
            (parameter.name[BACKBONE.len()..].to_owned(), array)
        });
        Self {
            geometry,
            tensors: tensors.collect(),
        }
    }

    /// The same for images of another size: class positions stay, the grid is resampled.
    pub fn resampled(mut self, image_size: (usize, usize)) -> Self {
        self.geometry.image_size = image_size;
        let Geometry {
            width,
            class_tokens,
            ..
        } = self.geometry;
        let stored = self.take("pos_embed").values;
        let values = resample_positions(&stored, width, class_tokens, self.geometry.grid());
        let places = [1, class_tokens + self.geometry.patches(), width];
        let positions = Array::new(&places, values);
        self.tensors.insert("pos_embed".to_owned(), positions);
        self
    }

    /// What no model computes with, or a file of such numbers cannot hold.
    pub fn flaw(&self, stored_as: StoredAs) -> Option<Flaw> {
        let largest = stored_as.largest();
        let unfit = |value: &&f32| !value.is_finite() || value.abs() > largest;
        let mut unfits = self.tensors.iter().filter_map(|(name, array)| {
            let value = array.values.iter().find(unfit)?;
            let expected = format!("finite numbers of at most {largest}");
            Some(Flaw::new(name, expected, value.to_string()))
        });
        unfits.next()
    }

    /// Takes a parameter out; each is there once.
    pub fn take(&mut self, name: &str) -> Array {
        let taken = self.tensors.remove(name);
        taken.unwrap_or_else(|| Array::filled(&[0], 0.0))
    }

    /// All that are left, by name.
    pub fn into_tensors(self) -> Vec<Named> {
        self.tensors.into_iter().collect()
    }
}
