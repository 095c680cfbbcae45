//! Automatic contrast: the darkest value of each channel becomes 0, the lightest 255.

use std::array::from_fn;

use crate::Planes;

use super::histogram::{Histogram, Table, histogram, look_up};

pub(super) fn auto_contrast(planes: &mut Planes) {
    for plane in planes.each() {
        if let Some(table) = table(&histogram(plane)) {
            look_up(plane, &table);
        }
    }
}

/// None: there are no two values.
fn table(counts: &Histogram) -> Option<Table> {
    let darkest = counts.iter().position(|&count| count > 0)?;
    let lightest = counts.iter().rposition(|&count| count > 0)?;
    if lightest == darkest {
        return None;
    }
    // PIL's order of operations, whose rounding is kept; the cast cuts and clips as it does.
    let scale = 255.0 / (lightest - darkest) as f64;
    let offset = -(darkest as f64) * scale;
    Some(from_fn(|value| (value as f64 * scale + offset) as u8))
}
