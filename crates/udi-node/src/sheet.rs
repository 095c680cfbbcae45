//! Memory of the views of a batch, lent out view by view.

use std::sync::{Mutex, PoisonError};

use bytes::BytesMut;

use crate::{
    batch::room,
    failure::{Code, Failure},
};

/// Extents of views: `[views, images, 3, side, side]`.
#[derive(Clone, Copy)]
pub struct SheetShape {
    /// What a view is called in an error.
    pub name: &'static str,
    /// Views of each image.
    pub views: u32,
    /// Number of images.
    pub images: u32,
    /// Side of a view in pixels.
    pub side: u32,
}

impl SheetShape {
    /// Size in memory.
    pub fn total(&self) -> Result<usize, Failure> {
        self.bytes(&[self.views, self.images, 3, self.side, self.side])
    }

    fn bytes(&self, extents: &[u32]) -> Result<usize, Failure> {
        let product = |bytes: usize, &extent: &u32| bytes.checked_mul(extent as usize);
        let message = || {
            let (count, name, side) = (self.views, self.name, self.side);
            format!("expected views that fit in memory, received {count} x {name} of side {side}")
        };
        let bytes = extents.iter().try_fold(1, product);
        bytes.ok_or_else(|| Failure::new(Code::Argument, message()))
    }
}

/// `[views, images, 3, side, side]` bytes in one piece, of which each view is lent once.
pub struct Sheet {
    shape: SheetShape,
    /// A view each; None: lent.
    places: Vec<Mutex<Option<BytesMut>>>,
}

impl Sheet {
    /// Zeros. Threads touch the memory first where they write to it.
    pub fn new(shape: SheetShape) -> Result<Self, Failure> {
        let area = shape.bytes(&[3, shape.side, shape.side])?;
        let count = shape.bytes(&[shape.views, shape.images])?;
        let length = shape.total()?;
        // What cannot be had is an error here, and would be the end of the process in the next line.
        drop(room::<u8>(length)?);
        let mut whole = BytesMut::zeroed(length);
        let mut places = room(count)?;
        places.extend((0..count).map(|_| Mutex::new(Some(whole.split_to(area)))));
        Ok(Self { shape, places })
    }

    /// What the views are.
    pub fn shape(&self) -> &SheetShape {
        &self.shape
    }

    fn place(&self, image: u32, view: u32) -> Option<&Mutex<Option<BytesMut>>> {
        let index = view as usize * self.shape.images as usize + image as usize;
        self.places.get(index)
    }

    /// Lends the memory of a view. None: it is lent.
    pub fn lend(&self, image: u32, view: u32) -> Option<BytesMut> {
        let place = self.place(image, view)?;
        place.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Takes the memory of a view back.
    pub fn give_back(&self, image: u32, view: u32, bytes: BytesMut) {
        if let Some(place) = self.place(image, view) {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
        }
    }

    /// The whole in one piece, without a copy, or None where a view is lent.
    pub fn into_whole(self) -> Option<BytesMut> {
        let mut whole = BytesMut::new();
        for place in self.places {
            whole.unsplit(place.into_inner().unwrap_or_else(PoisonError::into_inner)?);
        }
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: SheetShape = SheetShape {
        name: "local view",
        views: 3,
        images: 2,
        side: 4,
    };

    #[test]
    fn every_view_has_its_place_in_one_piece() {
        let sheet = Sheet::new(SHAPE).unwrap();
        let mut start = None;
        for (image, view) in [(1, 2), (0, 1), (0, 0), (1, 0), (0, 2), (1, 1)] {
            let mut bytes = sheet.lend(image, view).unwrap();
            assert_eq!(bytes.len(), 48);
            assert!(sheet.lend(image, view).is_none(), "lent once");
            bytes.fill((10 * view + image) as u8);
            if (image, view) == (0, 0) {
                start = Some(bytes.as_ptr());
            }
            sheet.give_back(image, view, bytes);
        }
        let whole = sheet.into_whole().unwrap();
        assert_eq!(Some(whole.as_ptr()), start, "no copy was made");
        let values: Vec<u8> = whole.chunks(48).map(|view| view[47]).collect();
        assert_eq!(values, [0, 1, 10, 11, 20, 21]);
    }

    #[test]
    fn a_view_that_is_lent_is_missed() {
        let sheet = Sheet::new(SHAPE).unwrap();
        let lent = sheet.lend(1, 1);
        assert!(lent.is_some() && sheet.into_whole().is_none());
    }

    #[test]
    fn what_does_not_fit_in_memory_is_refused() {
        let side = u32::MAX;
        let refused = Sheet::new(SheetShape { side, ..SHAPE }).err().unwrap();
        assert!(refused.message.contains("memory"), "{}", refused.message);
    }
}
