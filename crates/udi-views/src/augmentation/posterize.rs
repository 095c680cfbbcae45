//! Posterisation: the highest bits are kept.

use crate::Planes;

/// `bits` from 0, which leaves black, to 8, which leaves everything.
pub(super) fn posterize(planes: &mut Planes, bits: u8) {
    let mask = (0xff00u16 >> bits) as u8;
    for byte in planes.bytes() {
        *byte &= mask;
    }
}
