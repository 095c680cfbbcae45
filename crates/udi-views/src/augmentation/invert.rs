//! Inversion: the negative.

use crate::Planes;

pub(super) fn invert(planes: &mut Planes) {
    for byte in planes.bytes() {
        *byte = !*byte;
    }
}
