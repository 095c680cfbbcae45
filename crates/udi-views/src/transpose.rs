//! Rows and columns of a plane exchanged.

use multiversion::multiversion;

/// Side of the tiles that are exchanged as a whole.
const SIDE: usize = 8;
/// Tiles exchanged at once, which lie side by side.
const TILES: usize = 4;

/// Eight rows of as many tiles: one word a row of a tile.
type Tiles = [[u64; TILES]; SIDE];

/// Writes `from`, of `width` columns, with rows and columns exchanged.
pub(crate) fn transpose(from: &[u8], into: &mut [u8], width: usize) {
    let height = from.len() / width;
    let (whole_rows, whole_columns) = (height - height % SIDE, width - width % (SIDE * TILES));
    transpose_tiles(from, into, [whole_rows, whole_columns], width);
    for (row, values) in from.chunks_exact(width).enumerate() {
        let start = if row < whole_rows { whole_columns } else { 0 };
        for (column, &value) in values.iter().enumerate().skip(start) {
            into[column * height + row] = value;
        }
    }
}

/// Exchanges the part of whole tiles in the upper left.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn transpose_tiles(from: &[u8], into: &mut [u8], [rows, columns]: [usize; 2], width: usize) {
    let height = from.len() / width;
    for row in (0..rows).step_by(SIDE) {
        for column in (0..columns).step_by(SIDE * TILES) {
            let mut tiles: Tiles = [[0; TILES]; SIDE];
            for (lane, words) in tiles.iter_mut().enumerate() {
                let values = &from[(row + lane) * width + column..][..SIDE * TILES];
                for (word, bytes) in words.iter_mut().zip(values.as_chunks::<SIDE>().0) {
                    *word = u64::from_le_bytes(*bytes);
                }
            }
            exchange(&mut tiles);
            for (lane, words) in tiles.iter().enumerate() {
                for (tile, word) in words.iter().enumerate() {
                    let place = (column + tile * SIDE + lane) * height + row;
                    into[place..place + SIDE].copy_from_slice(&word.to_le_bytes());
                }
            }
        }
    }
}

/// Exchanges rows and columns of each tile: first of its four quarters, then of theirs, then of theirs.
#[inline(always)]
fn exchange(tiles: &mut Tiles) {
    exchange_blocks::<4>(tiles, 0x0000_0000_ffff_ffff);
    exchange_blocks::<2>(tiles, 0x0000_ffff_0000_ffff);
    exchange_blocks::<1>(tiles, 0x00ff_00ff_00ff_00ff);
}

/// Exchanges the upper right with the lower left of every block of twice `SIZE` rows; `left` masks the left columns.
#[inline(always)]
fn exchange_blocks<const SIZE: usize>(tiles: &mut Tiles, left: u64) {
    for upper in (0..SIDE).filter(|row| row & SIZE == 0) {
        let (above, below) = tiles.split_at_mut(upper + SIZE);
        for (upper, lower) in above[upper].iter_mut().zip(&mut below[0]) {
            let moved = ((*upper >> (8 * SIZE)) ^ *lower) & left;
            *lower ^= moved;
            *upper ^= moved << (8 * SIZE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_at_its_exchanged_place() {
        for (width, height) in [
            (1, 1),
            (8, 8),
            (32, 8),
            (96, 96),
            (33, 17),
            (7, 40),
            (224, 24),
        ] {
            let from: Vec<u8> = (0..width * height).map(|at| (at % 251) as u8).collect();
            let mut into = vec![0; from.len()];
            transpose(&from, &mut into, width);
            for (at, &value) in from.iter().enumerate() {
                let (row, column) = (at / width, at % width);
                assert_eq!(into[column * height + row], value, "{width}x{height}");
            }
        }
    }
}
