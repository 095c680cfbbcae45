//! Solarisation by addition: the dark half is made lighter, the light half left alone.

use crate::Planes;

/// Values from here on are light.
const LIGHT: u8 = 128;

pub(super) fn solarize_add(planes: &mut Planes, amount: u8) {
    for byte in planes.bytes() {
        let lighter = byte.saturating_add(amount);
        *byte = if *byte < LIGHT { lighter } else { *byte };
    }
}
