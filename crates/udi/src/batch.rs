//! One batch of views and its sparse sampling maps, checked once, on the host.

use tch::{Device, Kind, Tensor};
use torch_ext::{HostValues, pinned_copy, without_cuda_kernels};
use udi_views::Image;

use crate::{
    error::{UdiError, expect},
    guard::guard,
    maps::{Maps, SamplingMaps},
    micro_batch::MapArrays,
    transfer::to_device,
    views::{View, render_views},
};

/// Pixels of views.
#[derive(Debug, Clone, Copy)]
pub enum Pixels<'a> {
    /// RGB, 0 to 255; normalised on the device.
    Bytes(&'a [u8]),
    /// Normalised already.
    Floats(&'a [f32]),
}

/// Shape of a batch of views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchShape {
    /// Images B.
    pub images: i64,
    /// Side G of the global views, in pixels.
    pub global_size: i64,
    /// Local crops L of each image; may be 0.
    pub local_crops: i64,
    /// Side S of the local views, in pixels.
    pub local_size: i64,
}

/// Views `[2, B, 3, G, G]` and `[L, B, 3, S, S]` with their maps.
#[derive(Debug)]
pub struct MultiCropBatch {
    shape: BatchShape,
    patch_size: i64,
    globals: Tensor,
    locals: Option<Tensor>,
    maps: Option<(Maps, MapArrays)>,
}

/// A batch whose views are on the device, for both networks: bytes, or fp32 normalised.
#[derive(Debug)]
pub(crate) struct LoadedBatch<'a> {
    pub batch: &'a MultiCropBatch,
    /// g1 of all images, then g2, `[2 B, 3, G, G]`.
    pub globals: Tensor,
    /// Crop by crop, `[L B, 3, S, S]`; None without local crops.
    pub locals: Option<Tensor>,
    pub maps: Option<Maps>,
}

/// Largest count or side of a batch.
const LIMIT: i64 = 1 << 20;

impl MultiCropBatch {
    /// Copies the views and checks everything: lengths, and that each map points into its crop's token grid.
    pub fn new(
        shape: BatchShape,
        patch_size: i64,
        global_views: Pixels,
        local_views: Pixels,
        maps: Option<SamplingMaps>,
    ) -> Result<Self, UdiError> {
        Self::for_device(
            Device::Cpu,
            shape,
            patch_size,
            (global_views, local_views),
            maps,
        )
    }

    /// The same for a learner on this device: views for a CUDA device are copied to memory that it reads by itself.
    pub fn for_device(
        device: Device,
        shape: BatchShape,
        patch_size: i64,
        (global_views, local_views): (Pixels, Pixels),
        maps: Option<SamplingMaps>,
    ) -> Result<Self, UdiError> {
        shape.check(patch_size)?;
        let globals = [2, shape.images, 3, shape.global_size, shape.global_size];
        let locals = [
            shape.local_crops,
            shape.images,
            3,
            shape.local_size,
            shape.local_size,
        ];
        let has_locals = shape.local_crops > 0;
        guard(|| {
            let globals = views_tensor("globalViews", &global_views, &globals, device)?;
            let locals = has_locals
                .then(|| views_tensor("localViews", &local_views, &locals, device))
                .transpose()?;
            Self::of(shape, patch_size, (globals, locals), maps)
        })
    }

    /// The same with views that are made from images and recipes by the device itself: view by view, image by image.
    pub fn rendered(
        device: Device,
        shape: BatchShape,
        patch_size: i64,
        images: &[Image],
        (globals, locals): (&[View], &[View]),
        maps: Option<SamplingMaps>,
    ) -> Result<Self, UdiError> {
        shape.check(patch_size)?;
        let views = |views: &[View], count: i64, side: i64| {
            let all = count * shape.images;
            let expected = || format!("{count} of each of {} images", shape.images);
            expect(views.len() as i64 == all, "views", expected, views.len())?;
            let rendered = render_views(images, views, side as u32, device)?;
            Ok::<_, UdiError>(rendered.f_view([count, shape.images, 3, side, side])?)
        };
        let globals = views(globals, 2, shape.global_size)?;
        let locals = (shape.local_crops > 0)
            .then(|| views(locals, shape.local_crops, shape.local_size))
            .transpose()?;
        guard(|| Self::of(shape, patch_size, (globals, locals), maps))
    }

    fn of(
        shape: BatchShape,
        patch_size: i64,
        (globals, locals): (Tensor, Option<Tensor>),
        maps: Option<SamplingMaps>,
    ) -> Result<Self, UdiError> {
        let prepare = |maps: SamplingMaps| {
            let prepared = Maps::new(shape, patch_size, &maps)?;
            Ok::<_, UdiError>((prepared, MapArrays::copy(&maps)))
        };
        Ok(Self {
            shape,
            patch_size,
            globals,
            locals,
            maps: maps.map(prepare).transpose()?,
        })
    }

    pub(crate) fn shape(&self) -> BatchShape {
        self.shape
    }

    pub(crate) fn patch_size(&self) -> i64 {
        self.patch_size
    }

    /// Brings views and maps to the device, without waiting for it.
    pub(crate) fn load(&self, device: Device) -> Result<LoadedBatch<'_>, UdiError> {
        let views = |views: &Tensor| Ok::<_, UdiError>(for_networks(views, device)?.flatten(0, 1));
        let maps = self.maps().map(|maps| maps.on(device));
        Ok(LoadedBatch {
            batch: self,
            globals: views(&self.globals)?,
            locals: self.locals.as_ref().map(views).transpose()?,
            maps: maps.transpose()?,
        })
    }

    /// The views of the images `first..first + count`, in the same memory, with maps of theirs.
    pub(crate) fn with_images(
        &self,
        (first, count): (i64, i64),
        maps: Option<(Maps, MapArrays)>,
    ) -> Self {
        let cut = |views: &Tensor| views.narrow(1, first, count);
        Self {
            shape: BatchShape {
                images: count,
                ..self.shape
            },
            patch_size: self.patch_size,
            globals: cut(&self.globals),
            locals: self.locals.as_ref().map(cut),
            maps,
        }
    }

    pub(crate) fn maps(&self) -> Option<&Maps> {
        self.maps.as_ref().map(|(maps, _)| maps)
    }

    pub(crate) fn arrays(&self) -> Option<&MapArrays> {
        self.maps.as_ref().map(|(_, arrays)| arrays)
    }
}

impl BatchShape {
    fn check(self, patch_size: i64) -> Result<(), UdiError> {
        let range = |low| move || format!("a whole number from {low} to {LIMIT}");
        let counts = [
            ("patchSize", patch_size, 1),
            ("images", self.images, 1),
            ("globalSize", self.global_size, 1),
            ("localCrops", self.local_crops, 0),
            (
                "localSize",
                self.local_size,
                i64::from(self.local_crops > 0),
            ),
        ];
        for (field, value, low) in counts {
            expect((low..=LIMIT).contains(&value), field, range(low), value)?;
        }
        let mut sides = vec![("globalSize", self.global_size)];
        if self.local_crops > 0 {
            sides.push(("localSize", self.local_size));
        }
        for (field, side) in sides {
            let multiple = || format!("a multiple of the patch size {patch_size}");
            expect(side % patch_size == 0, field, multiple, side)?;
        }
        Ok(())
    }
}

/// Copies views into a tensor of this shape, on the host: pinned where they are for a CUDA device.
pub(crate) fn views_tensor(
    field: &str,
    pixels: &Pixels,
    shape: &[i64],
    device: Device,
) -> Result<Tensor, UdiError> {
    let length = match pixels {
        Pixels::Bytes(bytes) => bytes.len(),
        Pixels::Floats(floats) => floats.len(),
    };
    expect_length(field, length, shape)?;
    let tensor = match (pixels, device) {
        (Pixels::Bytes(bytes), Device::Cuda(_)) => pinned_copy(HostValues::Bytes(bytes))?,
        (Pixels::Floats(floats), Device::Cuda(_)) => pinned_copy(HostValues::Floats(floats))?,
        (Pixels::Bytes(bytes), _) => Tensor::f_from_slice(bytes)?,
        (Pixels::Floats(floats), _) => Tensor::f_from_slice(floats)?,
    };
    Ok(tensor.f_view(shape)?)
}

/// Refuses an array whose length is not that of its shape.
pub(crate) fn expect_length(field: &str, length: usize, shape: &[i64]) -> Result<(), UdiError> {
    let product = shape.iter().try_fold(1i64, |n, &side| n.checked_mul(side));
    let fits = product.is_some_and(|product| usize::try_from(product) == Ok(length));
    let values = || match product {
        Some(product) => format!("{product} values of shape {shape:?}"),
        None => format!("a shape that can be addressed instead of {shape:?}"),
    };
    expect(fits, field, values, format!("{length} values"))
}

const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// ImageNet's normalisation of bytes: each times its channel's scale, less its shift.
pub(crate) const NORMALISATION: ([f32; 3], [f32; 3]) = {
    let (mut scale, mut shift) = ([0.0; 3], [0.0; 3]);
    let mut channel = 0;
    while channel < 3 {
        scale[channel] = 1.0 / (255.0 * DEVIATION[channel]);
        shift[channel] = MEAN[channel] / DEVIATION[channel];
        channel += 1;
    }
    (scale, shift)
};

/// On the device: bytes as they are where it has a kernel that normalises them on their way into the networks, or else
/// normalised, fp32.
fn for_networks(views: &Tensor, device: Device) -> Result<Tensor, UdiError> {
    match without_cuda_kernels(device) {
        None => sent(views, device),
        Some(_) => normalised(views, device),
    }
}

/// fp32 on the device; bytes become ImageNet-normalised values.
pub(crate) fn normalised(views: &Tensor, device: Device) -> Result<Tensor, UdiError> {
    let views = sent(views, device)?;
    if views.kind() != Kind::Uint8 {
        return Ok(views);
    }
    let channel =
        |values: [f32; 3]| to_device(&Tensor::from_slice(&values).view([3, 1, 1]), device);
    let (scale, shift) = (channel(NORMALISATION.0)?, channel(NORMALISATION.1)?);
    Ok(views.to_kind(Kind::Float) * scale - shift)
}

/// Some images of a batch lie apart, view by view: each view is sent as it lies, not copied together first.
fn sent(views: &Tensor, device: Device) -> Result<Tensor, UdiError> {
    if device == Device::Cpu || views.is_contiguous() {
        return Ok(to_device(views, device)?);
    }
    let each = views.unbind(0);
    let each = each.iter().map(|view| to_device(view, device));
    Ok(Tensor::stack(&each.collect::<Result<Vec<_>, _>>()?, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: BatchShape = BatchShape {
        images: 2,
        global_size: 8,
        local_crops: 1,
        local_size: 4,
    };

    fn message(shape: BatchShape, globals: usize, locals: usize) -> String {
        let (globals, locals) = (vec![0u8; globals], vec![0u8; locals]);
        let (globals, locals) = (Pixels::Bytes(&globals), Pixels::Bytes(&locals));
        match MultiCropBatch::new(shape, 4, globals, locals, None) {
            Ok(_) => "fits".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_wrong_length_names_the_field_and_the_shape() {
        assert_eq!(message(SHAPE, 2 * 2 * 3 * 64, 2 * 3 * 16), "fits");
        assert_eq!(
            message(SHAPE, 100, 96),
            "globalViews: expected 768 values of shape [2, 2, 3, 8, 8], received 100 values"
        );
        assert_eq!(
            message(SHAPE, 768, 97),
            "localViews: expected 96 values of shape [1, 2, 3, 4, 4], received 97 values"
        );
    }

    #[test]
    fn sizes_that_make_no_batch_are_refused() {
        let cases = [
            (BatchShape { images: 0, ..SHAPE }, "images"),
            (
                BatchShape {
                    images: -1,
                    ..SHAPE
                },
                "images",
            ),
            (
                BatchShape {
                    images: i64::MAX,
                    ..SHAPE
                },
                "images",
            ),
            (
                BatchShape {
                    global_size: 9,
                    ..SHAPE
                },
                "globalSize",
            ),
            (
                BatchShape {
                    local_size: 0,
                    ..SHAPE
                },
                "localSize",
            ),
            (
                BatchShape {
                    local_crops: -3,
                    ..SHAPE
                },
                "localCrops",
            ),
        ];
        for (shape, field) in cases {
            let message = message(shape, 768, 96);
            assert!(
                message.starts_with(&format!("{field}: expected ")),
                "{message}"
            );
        }
    }

    #[test]
    fn a_shape_that_cannot_be_addressed_is_refused() {
        let error = expect_length("views", 0, &[LIMIT; 4]).unwrap_err();
        assert!(error.to_string().contains("a shape that can be addressed"));
    }

    #[test]
    fn bytes_become_what_torchvision_makes_of_them() {
        let views = Tensor::from_slice(&[0u8, 255, 128]).view([1, 3, 1, 1]);
        let values = normalised(&views, Device::Cpu).unwrap().flatten(0, -1);
        for (channel, byte) in [0.0, 1.0, 128.0 / 255.0].into_iter().enumerate() {
            let expected = (byte - MEAN[channel]) / DEVIATION[channel];
            let received = values.double_value(&[channel as i64]);
            assert!((received - f64::from(expected)).abs() < 1e-6);
        }
    }
}
