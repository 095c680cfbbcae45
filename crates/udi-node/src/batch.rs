//! A batch copied out of JavaScript's memory, or rendered: what the engine thread is given.

use std::sync::Arc;

use bytes::Bytes;
use napi::Either;
use tch::Device;
use udi::UdiError;

use crate::{
    failure::{Code, Failure},
    native_image::ImageData,
    shapes,
};

/// Room for `length` values; an error, not an abort, where there is not enough memory.
pub fn room<T>(length: usize) -> Result<Vec<T>, Failure> {
    let mut values = Vec::new();
    values.try_reserve_exact(length).map_err(|error| {
        let bytes = length.saturating_mul(size_of::<T>());
        Failure::of(Code::Native, &error).within(&format!("memory of {bytes} bytes"))
    })?;
    Ok(values)
}

/// A copy of a typed array.
pub fn copied<T: Copy>(values: &[T]) -> Result<Vec<T>, Failure> {
    let mut copy = room(values.len())?;
    copy.extend_from_slice(values);
    Ok(copy)
}

/// Pixels of views.
pub enum PixelData {
    /// RGB, 0-255.
    Bytes(Bytes),
    /// Normalised.
    Floats(Vec<f32>),
}

impl PixelData {
    /// Copies a typed array.
    pub fn copy(pixels: &shapes::Pixels) -> Result<Self, Failure> {
        Ok(match pixels {
            Either::A(bytes) => Self::Bytes(copied(bytes)?.into()),
            Either::B(floats) => Self::Floats(copied(floats)?),
        })
    }

    /// Borrows them for the engine.
    pub fn pixels(&self) -> udi::Pixels<'_> {
        match self {
            Self::Bytes(bytes) => udi::Pixels::Bytes(bytes),
            Self::Floats(floats) => udi::Pixels::Floats(floats),
        }
    }

    /// Size in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Floats(floats) => size_of_val(floats.as_slice()),
        }
    }
}

/// Images of one size.
pub struct ImagesData {
    /// Their number, height and width.
    shape: [i64; 3],
    pixels: PixelData,
    erasures: Vec<udi::Erasure>,
}

impl ImagesData {
    /// Copies them.
    pub fn copy(images: &shapes::ImageBatch) -> Result<Self, Failure> {
        let erasures = images.erasures.iter().flatten();
        Ok(Self {
            shape: [images.images, images.height, images.width].map(i64::from),
            pixels: PixelData::copy(&images.pixels)?,
            erasures: erasures
                .map(udi::Erasure::try_from)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Borrows them for a backbone.
    pub fn batch(&self) -> udi::ImageBatch<'_> {
        let [images, height, width] = self.shape;
        udi::ImageBatch {
            images,
            height,
            width,
            pixels: self.pixels.pixels(),
            erasures: &self.erasures,
        }
    }
}

/// Target samples of a batch.
pub struct TargetData {
    tokens: Vec<i32>,
    weights: Vec<f32>,
}

impl TargetData {
    fn copy(target: &shapes::TargetSamples) -> Result<Self, Failure> {
        Ok(Self {
            tokens: copied(&target.tokens)?,
            weights: copied(&target.weights)?,
        })
    }

    fn samples(&self) -> udi::TargetSamples<'_> {
        udi::TargetSamples {
            tokens: &self.tokens,
            weights: &self.weights,
        }
    }
}

/// Sparse sampling maps of a batch.
pub struct MapData {
    global_source: Vec<i32>,
    global_target: TargetData,
    local_target: TargetData,
}

impl MapData {
    /// Copies typed arrays.
    pub fn copy(maps: &shapes::SamplingMaps) -> Result<Self, Failure> {
        Ok(Self {
            global_source: copied(&maps.global_source)?,
            global_target: TargetData::copy(&maps.global_target)?,
            local_target: TargetData::copy(&maps.local_target)?,
        })
    }

    fn maps(&self) -> udi::SamplingMaps<'_> {
        udi::SamplingMaps {
            global_source: &self.global_source,
            global_target: self.global_target.samples(),
            local_target: self.local_target.samples(),
        }
    }

    fn bytes(&self) -> usize {
        let targets = [&self.global_target, &self.local_target];
        let sizes = targets
            .map(|target| size_of_val(&target.tokens[..]) + size_of_val(&target.weights[..]));
        size_of_val(&self.global_source[..]) + sizes.iter().sum::<usize>()
    }
}

/// An image and the recipes of its views, checked.
pub struct ImageViews {
    /// The decoded image.
    pub image: Arc<ImageData>,
    /// g1, g2.
    pub globals: Vec<udi_views::ViewRecipe>,
    /// L local views.
    pub locals: Vec<udi_views::ViewRecipe>,
}

/// Views, or what they are made of.
pub enum ViewData {
    /// Ready.
    Pixels {
        /// `[2, B, 3, G, G]`
        globals: PixelData,
        /// `[L, B, 3, S, S]`
        locals: PixelData,
    },
    /// To be made by the learner's device, image by image.
    Recipes(Vec<ImageViews>),
}

/// One batch of views.
pub struct BatchData {
    /// Its shape.
    pub shape: udi::BatchShape,
    /// Its views.
    pub views: ViewData,
    /// None where the model has no patch level.
    pub maps: Option<MapData>,
}

impl BatchData {
    /// Copies typed arrays.
    pub fn copy(batch: &shapes::MultiCropBatch) -> Result<Self, Failure> {
        Ok(Self {
            shape: batch.shape.into(),
            views: ViewData::Pixels {
                globals: PixelData::copy(&batch.global_views)?,
                locals: PixelData::copy(&batch.local_views)?,
            },
            maps: batch.maps.as_ref().map(MapData::copy).transpose()?,
        })
    }

    /// Size in memory.
    pub fn bytes(&self) -> usize {
        let maps = self.maps.as_ref().map_or(0, MapData::bytes);
        let views = match &self.views {
            ViewData::Pixels { globals, locals } => globals.bytes() + locals.bytes(),
            ViewData::Recipes(images) => images.iter().map(|views| views.image.bytes()).sum(),
        };
        views + maps
    }

    /// The engine's batch, checked against the model's patch size.
    pub fn multi_crop(
        &self,
        device: Device,
        patch_size: i64,
    ) -> Result<udi::MultiCropBatch, UdiError> {
        let maps = self.maps.as_ref().map(MapData::maps);
        match &self.views {
            ViewData::Pixels { globals, locals } => {
                let views = (globals.pixels(), locals.pixels());
                udi::MultiCropBatch::for_device(device, self.shape, patch_size, views, maps)
            }
            ViewData::Recipes(images) => {
                let pixels: Result<Vec<_>, _> =
                    images.iter().map(|views| views.image.image()).collect();
                let globals = view_by_view(images, |views| &views.globals);
                let locals = view_by_view(images, |views| &views.locals);
                let views = (globals.as_slice(), locals.as_slice());
                udi::MultiCropBatch::rendered(device, self.shape, patch_size, &pixels?, views, maps)
            }
        }
    }
}

/// The views of all images, the first of each, then the second of each.
fn view_by_view(
    images: &[ImageViews],
    of: fn(&ImageViews) -> &[udi_views::ViewRecipe],
) -> Vec<udi::View<'_>> {
    let count = images.first().map_or(0, |views| of(views).len());
    let view = |index: usize| {
        let each = images.iter().enumerate();
        each.filter_map(move |(image, views)| {
            let recipe = of(views).get(index)?;
            Some(udi::View { image, recipe })
        })
    };
    (0..count).flat_map(view).collect()
}
