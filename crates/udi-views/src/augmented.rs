//! A view of an augmented image: the whole image mirrored and changed, then a crop of it resized.

use crate::{
    Augmentation, Image, Order, PixelBox, Planes, Renderer, ViewError,
    flip::flip,
    image::check_bytes,
    render::check_side,
    resize::{Window, separate},
};

/// How to make a view to train a classifier on; the fields are in the order of the work.
#[derive(Debug, Clone, PartialEq)]
pub struct AugmentedRecipe {
    /// Whether to mirror left and right first.
    pub flipped: bool,
    /// What to do to the whole image.
    pub augmentations: Vec<Augmentation>,
    /// Colour of what a warp brings in from outside.
    pub fill: [u8; 3],
    /// What to cut out of the image as it then is.
    pub crop: PixelBox,
    /// Side of the square view, in pixels.
    pub size: u32,
}

impl AugmentedRecipe {
    /// Checks that the recipe makes a view of this image.
    pub fn check(&self, image: &Image) -> Result<(), ViewError> {
        check_side("view size", self.size)?;
        image.check_crop(&self.crop)?;
        self.augmentations.iter().try_for_each(|step| step.check())
    }
}

/// Memory for an image that is changed, used again from image to image.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    planes: Vec<u8>,
    other: Vec<u8>,
}

/// Bytes of memory that are kept for the next image.
const KEPT_BYTES: usize = 16 << 20;

impl Canvas {
    /// Interleaved RGB of the image, mirrored and changed.
    fn changed(&mut self, image: &Image, recipe: &AugmentedRecipe) -> Result<&[u8], ViewError> {
        let (width, height) = (image.width(), image.height());
        self.planes.resize(image.pixels().len(), 0);
        let mut planes = Planes::new(&mut self.planes, width, height)?;
        separate(image.pixels(), planes.split());
        if recipe.flipped {
            flip(&mut planes);
        }
        for augmentation in &recipe.augmentations {
            augmentation.apply(&mut planes, recipe.fill, &mut self.other);
        }
        self.other.resize(image.pixels().len(), 0);
        interleave(planes.split(), &mut self.other);
        Ok(&self.other)
    }

    fn let_go(&mut self) {
        for memory in [&mut self.planes, &mut self.other] {
            if memory.capacity() > KEPT_BYTES {
                *memory = Vec::new();
            }
        }
    }
}

/// Joins the channels.
fn interleave([reds, greens, blues]: [&mut [u8]; 3], into: &mut [u8]) {
    let channels = reds.iter().zip(greens).zip(blues);
    for (pixel, ((red, green), blue)) in into.as_chunks_mut::<3>().0.iter_mut().zip(channels) {
        *pixel = [*red, *green, *blue];
    }
}

impl Renderer {
    /// Makes the view of `recipe` and writes it to `out` as planar `[3, size, size]` bytes.
    ///
    /// Nothing is written when the image, the recipe or the buffer is refused.
    pub fn augmented_view(
        &mut self,
        image: &Image,
        recipe: &AugmentedRecipe,
        out: &mut [u8],
    ) -> Result<(), ViewError> {
        recipe.check(image)?;
        check_bytes(out.len(), recipe.size, recipe.size)?;
        let window = Window::square(recipe.size, Order::Forward);
        if !recipe.flipped && recipe.augmentations.is_empty() {
            self.resizer.resize(image, &recipe.crop, &window, out);
            return Ok(());
        }
        let pixels = self.canvas.changed(image, recipe)?;
        let changed = Image::new(pixels, image.width(), image.height())?;
        self.resizer.resize(&changed, &recipe.crop, &window, out);
        self.canvas.let_go();
        Ok(())
    }
}
