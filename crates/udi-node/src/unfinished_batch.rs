//! The memory of a batch while views are rendered into it.

use std::{
    cell::RefCell,
    sync::{Mutex, PoisonError},
};

use udi_views::{RenderTime, Renderer};

use crate::{
    batch::{BatchData, MapData, PixelData, ViewData},
    failure::{Code, Failure},
    guard::guarded,
    native_image::ImageData,
    shapes::{BatchShape, ImageRecipe, ViewRecipe},
    sheet::{Sheet, SheetShape},
};

thread_local! {
    static RENDERER: RefCell<Renderer> = RefCell::default();
}

/// Runs `work` with the renderer of this thread, whose memory is used again from view to view.
pub fn with_renderer<T>(work: impl FnOnce(&mut Renderer) -> T) -> T {
    RENDERER.with_borrow_mut(work)
}

/// A batch, some of whose views are still to be rendered.
pub struct UnfinishedBatch {
    shape: BatchShape,
    globals: Sheet,
    locals: Sheet,
    time: Mutex<RenderTime>,
}

impl UnfinishedBatch {
    /// Memory for all views.
    pub fn new(shape: BatchShape) -> Result<Self, Failure> {
        let images = shape.images;
        Ok(Self {
            shape,
            globals: Sheet::new(SheetShape {
                name: "global view",
                views: 2,
                images,
                side: shape.global_size,
            })?,
            locals: Sheet::new(SheetShape {
                name: "local view",
                views: shape.local_crops,
                images,
                side: shape.local_size,
            })?,
            time: Mutex::default(),
        })
    }

    /// Size of the views in memory.
    pub fn bytes(&self) -> Result<usize, Failure> {
        Ok(self.globals.shape().total()? + self.locals.shape().total()?)
    }

    /// Renders all views of an image.
    pub fn fill(&self, place: u32, image: &ImageData, recipe: &ImageRecipe) -> Result<(), Failure> {
        self.fill_sheet(&self.globals, place, image, &recipe.globals)?;
        self.fill_sheet(&self.locals, place, image, &recipe.locals)
    }

    fn fill_sheet(
        &self,
        sheet: &Sheet,
        place: u32,
        image: &ImageData,
        recipes: &[ViewRecipe],
    ) -> Result<(), Failure> {
        for index in 0..sheet.shape().views {
            let recipe = recipes.get(index as usize);
            let view = || format!("image {place}, {} {index}", sheet.shape().name);
            let mut bytes = sheet.lend(place, index).ok_or_else(|| {
                let message = "expected a view that is not being rendered, received one that is";
                Failure::new(Code::Argument, message).within(&view())
            })?;
            let time = guarded(|| render_view(image, recipe, &mut bytes));
            sheet.give_back(place, index, bytes);
            *self.time.lock().unwrap_or_else(PoisonError::into_inner) +=
                time.map_err(|failure| failure.within(&view()))?;
        }
        Ok(())
    }

    /// The batch, where no view is being rendered.
    pub fn into_batch(self, maps: Option<MapData>) -> Option<(BatchData, RenderTime)> {
        let data = BatchData {
            shape: self.shape.into(),
            views: ViewData::Pixels {
                globals: PixelData::Bytes(self.globals.into_whole()?.freeze()),
                locals: PixelData::Bytes(self.locals.into_whole()?.freeze()),
            },
            maps,
        };
        let time = self.time.into_inner();
        Some((data, time.unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Renders one view of an image with the renderer of this thread.
pub fn render_view(
    image: &ImageData,
    recipe: Option<&ViewRecipe>,
    out: &mut [u8],
) -> Result<RenderTime, Failure> {
    let none = || Failure::new(Code::Argument, "expected a recipe, received none");
    let recipe = udi_views::ViewRecipe::try_from(recipe.ok_or_else(none)?)?;
    let image = image.image()?;
    Ok(with_renderer(|renderer| {
        renderer.render(&image, &recipe, out)
    })?)
}
