//! Executes view recipes as tensor operations, for a device on which a launch for each view would be slow.
//!
//! The crate `udi-views` says what each operation means and is the twin that tests them. Here each is launched once for all
//! views of a chunk that have it. Between operations a view is `[3, side, side]` in fp32, whole numbers from 0 to 255.

mod bicubic;
mod blur;
mod crop;
mod hue;
mod photometric;

use tch::{Device, Kind, Tensor, no_grad};
use udi_views::{Image, ViewRecipe};

use crate::{error::UdiError, guard::guard};

use crop::{Crop, resample};

/// What the largest tensors of a chunk of views may take, in bytes.
const CPU_CHUNK_BYTES: i64 = 64 << 20;
const CUDA_CHUNK_BYTES: i64 = 1 << 30;

/// One view to make.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Index of the image.
    pub image: usize,
    /// How to make it.
    pub recipe: &'a ViewRecipe,
}

/// Makes square views of the same side from images on the host: `[views, 3, side, side]`, uint8, on the device.
///
/// At most one level away from `udi_views::Renderer` for all but a few values: sums are fp32 here, whole numbers there. Refuses
/// what it refuses.
pub fn render_views(
    images: &[Image],
    views: &[View],
    side: u32,
    device: Device,
) -> Result<Tensor, UdiError> {
    for view in views {
        check(images, view, side)?;
    }
    guard(|| {
        no_grad(|| {
            let (pixels, firsts) = uploaded(images, device);
            let crops: Vec<Crop> = views
                .iter()
                .map(|view| Crop::of(&images[view.image], firsts[view.image], view.recipe))
                .collect();
            let side = i64::from(side);
            let size = [views.len() as i64, 3, side, side];
            let mut all = Tensor::empty(size, (Kind::Uint8, device));
            for chunk in chunks(&crops, side, chunk_bytes(device)) {
                let crops: Vec<Crop> = chunk.iter().map(|&view| crops[view]).collect();
                let recipes: Vec<&ViewRecipe> = chunk.iter().map(|&i| views[i].recipe).collect();
                let mut values = resample(&pixels, &crops, side);
                photometric::apply(&mut values, &recipes);
                let places: Vec<i64> = chunk.iter().map(|&view| view as i64).collect();
                let places = Tensor::from_slice(&places).to_device(device);
                let _ = all.index_copy_(0, &places, &values.to_kind(Kind::Uint8));
            }
            Ok(all)
        })
    })
}

fn check(images: &[Image], view: &View, side: u32) -> Result<(), UdiError> {
    let count = images.len();
    let image = images
        .get(view.image)
        .ok_or_else(|| UdiError::argument("view", format!("an image below {count}"), view.image))?;
    view.recipe.check(image)?;
    let sides = || format!("views of side {side}");
    crate::error::expect(view.recipe.size == side, "view", sides, view.recipe.size)
}

/// The pixels of all images, `[pixels, 3]`, uint8, and the index of each image's first.
fn uploaded(images: &[Image], device: Device) -> (Tensor, Vec<i64>) {
    let parts: Vec<Tensor> = images
        .iter()
        .map(|image| Tensor::from_slice(image.pixels()))
        .collect();
    let mut first = 0;
    let firsts = images.iter().map(|image| {
        let this = first;
        first += i64::from(image.width()) * i64::from(image.height());
        this
    });
    let firsts = firsts.collect();
    let all = Tensor::cat(&parts, 0).view([-1, 3]);
    (all.to_device(device), firsts)
}

fn chunk_bytes(device: Device) -> i64 {
    match device {
        Device::Cuda(_) => CUDA_CHUNK_BYTES,
        _ => CPU_CHUNK_BYTES,
    }
}

/// Views that are made together, by index. A chunk's tensors are as large as its largest crop: crops of about the same size
/// go together.
fn chunks(crops: &[Crop], side: i64, bytes: i64) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..crops.len()).collect();
    order.sort_by_key(|&view| std::cmp::Reverse(crops[view].bytes(side)));
    let mut chunks = Vec::new();
    let mut rest = order.as_slice();
    while let Some(&largest) = rest.first() {
        let count = (bytes / crops[largest].bytes(side)).max(1) as usize;
        let (chunk, later) = rest.split_at(count.min(rest.len()));
        chunks.push(chunk.to_vec());
        rest = later;
    }
    chunks
}

#[cfg(test)]
mod tests;
