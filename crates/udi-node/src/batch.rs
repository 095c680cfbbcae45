//! A batch copied out of JavaScript's memory, or rendered: what the engine thread is given.

use bytes::Bytes;
use napi::Either;
use tch::Device;
use udi::UdiError;

use crate::{
    failure::{Code, Failure},
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

/// One batch of views.
pub struct BatchData {
    /// Its shape.
    pub shape: udi::BatchShape,
    /// `[2, B, 3, G, G]`
    pub global_views: PixelData,
    /// `[L, B, 3, S, S]`
    pub local_views: PixelData,
    /// None where the model has no patch level.
    pub maps: Option<MapData>,
}

impl BatchData {
    /// Copies typed arrays.
    pub fn copy(batch: &shapes::MultiCropBatch) -> Result<Self, Failure> {
        Ok(Self {
            shape: batch.shape.into(),
            global_views: PixelData::copy(&batch.global_views)?,
            local_views: PixelData::copy(&batch.local_views)?,
            maps: batch.maps.as_ref().map(MapData::copy).transpose()?,
        })
    }

    /// Size in memory.
    pub fn bytes(&self) -> usize {
        let maps = self.maps.as_ref().map_or(0, MapData::bytes);
        self.global_views.bytes() + self.local_views.bytes() + maps
    }

    /// The engine's batch, checked against the model's patch size.
    pub fn multi_crop(
        &self,
        device: Device,
        patch_size: i64,
    ) -> Result<udi::MultiCropBatch, UdiError> {
        udi::MultiCropBatch::for_device(
            device,
            self.shape,
            patch_size,
            (self.global_views.pixels(), self.local_views.pixels()),
            self.maps.as_ref().map(MapData::maps),
        )
    }
}
