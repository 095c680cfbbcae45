//! Images and recipes of a batch whose views the learner's device makes itself.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    batch::{BatchData, ImageViews, MapData, ViewData},
    failure::{Code, Failure},
    native_image::ImageData,
    shapes::{BatchShape, ImageRecipe, ViewRecipe},
};

/// A batch, some of whose images are still to come.
pub struct UnfinishedRecipes {
    shape: BatchShape,
    /// None: still to come.
    places: Vec<Mutex<Option<ImageViews>>>,
}

impl UnfinishedRecipes {
    /// Places for all images.
    pub fn new(shape: BatchShape) -> Self {
        let places = (0..shape.images).map(|_| Mutex::default()).collect();
        Self { shape, places }
    }

    /// Keeps an image with its recipes, which are checked against it.
    pub fn fill(
        &self,
        place: u32,
        image: &Arc<ImageData>,
        recipe: &ImageRecipe,
    ) -> Result<(), Failure> {
        let within = |failure: Failure| failure.within(&format!("image {place}"));
        let views = ImageViews {
            image: Arc::clone(image),
            globals: checked(image, &recipe.globals, "global view").map_err(within)?,
            locals: checked(image, &recipe.locals, "local view").map_err(within)?,
        };
        let missing = || {
            Failure::new(
                Code::Argument,
                "expected a place of the batch, received none",
            )
        };
        let place = self.places.get(place as usize).ok_or_else(missing)?;
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(views);
        Ok(())
    }

    /// The batch, where every image is there.
    pub fn into_batch(self, maps: Option<MapData>) -> Option<BatchData> {
        let taken = |place: Mutex<Option<ImageViews>>| {
            place.into_inner().unwrap_or_else(PoisonError::into_inner)
        };
        let images: Option<Vec<_>> = self.places.into_iter().map(taken).collect();
        Some(BatchData {
            shape: self.shape.into(),
            views: ViewData::Recipes(images?),
            maps,
        })
    }
}

fn checked(
    image: &ImageData,
    recipes: &[ViewRecipe],
    name: &str,
) -> Result<Vec<udi_views::ViewRecipe>, Failure> {
    let each = recipes.iter().enumerate().map(|(index, recipe)| {
        let within = |failure: Failure| failure.within(&format!("{name} {index}"));
        let recipe = udi_views::ViewRecipe::try_from(recipe).map_err(within)?;
        let fits = recipe.check(&image.image()?);
        fits.map_err(|error| within(error.into()))?;
        Ok(recipe)
    });
    each.collect()
}
