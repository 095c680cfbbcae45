//! Mirrors left and right.

use crate::Planes;

pub(crate) fn flip(planes: &mut Planes) {
    let width = planes.width();
    for row in planes.bytes().chunks_exact_mut(width) {
        row.reverse();
    }
}
