//! Solarisation: inverts the values from a threshold on.

use crate::Planes;

pub(crate) fn solarize(planes: &mut Planes, threshold: u8) {
    for byte in planes.bytes() {
        *byte = if *byte < threshold { *byte } else { !*byte };
    }
}
