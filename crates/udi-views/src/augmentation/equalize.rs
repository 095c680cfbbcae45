//! Equalisation: each channel's values spread so that all occur about equally often.

use crate::Planes;

use super::histogram::{Histogram, Table, histogram, look_up};

pub(super) fn equalize(planes: &mut Planes) {
    for plane in planes.each() {
        if let Some(table) = table(&histogram(plane)) {
            look_up(plane, &table);
        }
    }
}

/// None: there are no two values, or too few pixels.
fn table(counts: &Histogram) -> Option<Table> {
    let pixels: u64 = counts.iter().sum();
    // The lightest value does not count.
    let lightest = counts.iter().rev().find(|&&count| count > 0)?;
    let step = (pixels - lightest) / 255;
    if step == 0 {
        return None;
    }
    let mut sum = step / 2;
    Some(counts.map(|count| {
        let value = (sum / step).min(255) as u8;
        sum += count;
        value
    }))
}
