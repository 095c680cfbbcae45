//! The images of a step in equal parts, which go through the networks one after the other.

use crate::{
    batch::{BatchShape, MultiCropBatch},
    error::{UdiError, expect},
    maps::{Maps, SamplingMaps, TargetSamples},
};

/// Some images of a batch, `first..first + count`.
#[derive(Debug)]
pub(crate) struct MicroBatch {
    pub batch: MultiCropBatch,
    pub images: (i64, i64),
    /// Share of all images.
    pub share: f64,
    /// Share of the mass of all target samples; 0 where there is none.
    pub mass_share: f64,
}

/// The arrays of a batch's maps, kept so that maps of some of its images can be made of them.
#[derive(Debug)]
pub(crate) struct MapArrays {
    source: Vec<i32>,
    global: (Vec<i32>, Vec<f32>),
    local: (Vec<i32>, Vec<f32>),
}

impl MultiCropBatch {
    /// Cuts the batch into this many parts.
    pub(crate) fn split(&self, parts: i64) -> Result<Vec<MicroBatch>, UdiError> {
        let images = self.shape().images;
        let multiple = || format!("a multiple of optimizer.accumulate {parts}");
        expect(images % parts == 0, "images", multiple, images)?;
        let count = images / parts;
        let all = self.arrays().map_or(0.0, MapArrays::mass);
        let part = |index: i64| {
            let range = (index * count, count);
            let arrays = self.arrays().map(|arrays| arrays.part(self.shape(), range));
            let mass = arrays.as_ref().map_or(0.0, MapArrays::mass);
            Ok(MicroBatch {
                batch: self.part(range, arrays)?,
                images: range,
                share: 1.0 / parts as f64,
                mass_share: if all > 0.0 { mass / all } else { 0.0 },
            })
        };
        (0..parts).map(part).collect()
    }

    fn part(&self, images: (i64, i64), arrays: Option<MapArrays>) -> Result<Self, UdiError> {
        let shape = BatchShape {
            images: images.1,
            ..self.shape()
        };
        let patch_size = self.patch_size();
        let maps = arrays
            .as_ref()
            .map(|arrays| arrays.prepare(shape, patch_size));
        Ok(self.with_images(images, maps.transpose()?.zip(arrays)))
    }
}

impl MapArrays {
    pub fn copy(maps: &SamplingMaps) -> Self {
        let target = |target: &TargetSamples| (target.tokens.to_vec(), target.weights.to_vec());
        Self {
            source: maps.global_source.to_vec(),
            global: target(&maps.global_target),
            local: target(&maps.local_target),
        }
    }

    fn prepare(&self, shape: BatchShape, patch_size: i64) -> Result<Maps, UdiError> {
        Maps::new(shape, patch_size, &self.maps())
    }

    fn maps(&self) -> SamplingMaps<'_> {
        let target = |(tokens, weights)| TargetSamples { tokens, weights };
        SamplingMaps {
            global_source: &self.source,
            global_target: target((&self.global.0, &self.global.1)),
            local_target: target((&self.local.0, &self.local.1)),
        }
    }

    fn mass(&self) -> f64 {
        let weights = self.global.1.iter().chain(&self.local.1);
        weights.copied().map(f64::from).sum()
    }

    fn part(&self, shape: BatchShape, range: (i64, i64)) -> Self {
        let images = shape.images as usize;
        let target = |target: &(Vec<i32>, Vec<f32>), rows| {
            (
                cut(&target.0, rows * images, images, range),
                cut(&target.1, rows * images, images, range),
            )
        };
        Self {
            source: cut(&self.source, 2 * images, images, range),
            global: target(&self.global, 2),
            local: target(&self.local, 2 * shape.local_crops as usize),
        }
    }
}

/// Of an array `[rows of all images, ..]` the rows of some images.
fn cut<T: Copy>(values: &[T], rows: usize, images: usize, (first, count): (i64, i64)) -> Vec<T> {
    let (first, count) = (first as usize, count as usize);
    let width = values.len() / rows.max(1);
    let rows_of_views = values.chunks(images * width.max(1));
    let of_images = rows_of_views.map(|rows| &rows[first * width..(first + count) * width]);
    of_images.collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Pixels;

    const SHAPE: BatchShape = BatchShape {
        images: 4,
        global_size: 8,
        local_crops: 3,
        local_size: 4,
    };

    /// Arrays in which each value names its place; samples of two a global pair, one a local pair.
    fn batch(shape: BatchShape) -> MultiCropBatch {
        let (images, crops) = (shape.images as usize, shape.local_crops as usize);
        let globals: Vec<f32> = (0..2 * images * 3 * 64).map(|i| i as f32).collect();
        let locals: Vec<f32> = (0..crops * images * 3 * 16).map(|i| i as f32).collect();
        let arrays = MapArrays {
            source: (0..2 * images * 2).map(|i| (i % 4) as i32).collect(),
            global: target(2 * images * 2),
            local: target(2 * crops * images),
        };
        let (globals, locals) = (Pixels::Floats(&globals), Pixels::Floats(&locals));
        MultiCropBatch::new(shape, 4, globals, locals, Some(arrays.maps())).unwrap()
    }

    fn target(samples: usize) -> (Vec<i32>, Vec<f32>) {
        let tokens = (0..4 * samples).map(|i| (i % 3) as i32).collect();
        let weights = (0..4 * samples).map(|i| (i % 16) as f32 / 64.0).collect();
        (tokens, weights)
    }

    #[test]
    fn parts_hold_the_views_and_samples_of_their_images() {
        for crops in [0, 3] {
            let whole = batch(BatchShape {
                local_crops: crops,
                ..SHAPE
            });
            let parts = whole.split(2).unwrap();
            let arrays = whole.arrays().unwrap();
            for (index, part) in parts.iter().enumerate() {
                let own = part.batch.arrays().unwrap();
                let rows = [2 * index, 2 * index + 1];
                let of = |values: &[i32], width: usize| -> Vec<i32> {
                    let views = values.chunks(4 * width);
                    let rows = views.flat_map(|view| rows.map(|row| &view[row * width..][..width]));
                    rows.flatten().copied().collect()
                };
                assert_eq!(own.source, of(&arrays.source, 2));
                assert_eq!(own.global.0, of(&arrays.global.0, 8));
                assert_eq!(own.local.0, of(&arrays.local.0, 4));
                let views = part.batch.load(tch::Device::Cpu).unwrap();
                let all = whole.load(tch::Device::Cpu).unwrap();
                let first = all.globals.select(0, 4 + rows[0] as i64);
                assert_eq!(views.globals.select(0, 2), first, "g2 of the first image");
                assert_eq!(views.locals.is_some(), crops > 0);
            }
            let shares: f64 = parts.iter().map(|part| part.mass_share).sum();
            assert!((shares - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn images_that_make_no_equal_parts_are_refused() {
        let error = batch(SHAPE).split(3).unwrap_err().to_string();
        assert_eq!(
            error,
            "images: expected a multiple of optimizer.accumulate 3, received 4"
        );
    }
}
