//! How often each value of a channel occurs, and operations that are a table of 256 values.

/// Times that each value occurs.
pub(super) type Histogram = [u64; 256];

pub(super) type Table = [u8; 256];

pub(super) fn histogram(plane: &[u8]) -> Histogram {
    let mut counts = [0; 256];
    for &value in plane {
        counts[usize::from(value)] += 1;
    }
    counts
}

/// Every value replaced by that of the table.
pub(super) fn look_up(plane: &mut [u8], table: &Table) {
    for value in plane {
        *value = table[usize::from(*value)];
    }
}
