//! Hue: through PIL's 8-bit HSV, where the hue wraps, and back.
//!
//! Written without branches and without casts of floats to integers, both of which keep a loop from being vectorised;
//! the mix of single and double precision is PIL's.

use multiversion::multiversion;

use crate::{
    Planes,
    lanes::{choose, whole_byte},
};

/// A pixel of PIL's mode HSV.
#[derive(Clone, Copy)]
struct Hsv {
    hue: u8,
    saturation: u8,
    value: u8,
}

/// PIL's `convert("HSV")` of one pixel.
#[inline(always)]
fn hsv_of([red, green, blue]: [u8; 3]) -> Hsv {
    let max = red.max(green).max(blue);
    let min = red.min(green).min(blue);
    let middle = red.max(green).min(blue).max(red.min(green));
    // Of a grey pixel, whose range is 0, the hue means nothing: its saturation is 0.
    let range = f32::from((max - min).max(1));
    let sixths = sixths(
        [red, green, blue],
        max,
        min,
        f32::from(max - middle) / range,
    );
    let turns = f64::from(sixths) / 6.0 + 1.0;
    let hue = choose(turns >= 1.0, turns - 1.0, turns) as f32;
    let saturation = f32::from(max - min) / f32::from(max.max(1));
    Hsv {
        hue: whole_byte(f64::from(hue) * 255.0),
        saturation: whole_byte(f64::from(saturation) * 255.0),
        value: max,
    }
}

/// Hue in sixths of the circle, from -1 to 5. `distance` is how far the middle channel lies below the largest, as a share of
/// the range; that of the smallest is 1, so that PIL's sums of two distances and a whole number need one addition here.
#[inline(always)]
fn sixths([red, green, blue]: [u8; 3], max: u8, min: u8, distance: f32) -> f32 {
    let (red_leads, green_leads) = (red == max, green == max);
    let base = choose(red_leads, 0.0, choose(green_leads, 2.0, 4.0));
    // The channel before the leading one on the circle.
    let before = choose(red_leads, blue, choose(green_leads, red, green));
    choose(before == min, base + 1.0 - distance, base - 1.0 + distance)
}

/// PIL's `convert("RGB")` of one HSV pixel.
#[inline(always)]
fn rgb_of(
    Hsv {
        hue,
        saturation,
        value,
    }: Hsv,
) -> [u8; 3] {
    let sixths = f64::from(hue) * 6.0 / 255.0;
    let sector = sixths.floor();
    let part = f64::from((sixths - sector) as f32);
    let strength = f64::from((f64::from(saturation) / 255.0) as f32);
    // The products are not negative: adding a half and cutting rounds halves away from zero, as C's round does.
    let scaled = |share: f64| whole_byte(f64::from(value) * share + 0.5);
    let low = scaled(1.0 - strength);
    let falling = scaled(1.0 - strength * part);
    let rising = scaled(1.0 - strength * (1.0 - part));
    // 255 begins sector 6, which is 0 again.
    let sector = choose(hue == 255, 0, whole_byte(sector));
    [
        by_sector(sector, [value, falling, low, low, rising, value]),
        by_sector(sector, [rising, value, value, falling, low, low]),
        by_sector(sector, [low, low, rising, value, value, falling]),
    ]
}

#[inline(always)]
fn by_sector(sector: u8, values: [u8; 6]) -> u8 {
    let later = choose(
        sector == 3,
        values[3],
        choose(sector == 4, values[4], values[5]),
    );
    let early = choose(
        sector == 1,
        values[1],
        choose(sector == 2, values[2], later),
    );
    choose(sector == 0, values[0], early)
}

/// Shifts the hue by `turns` of the circle, cut towards zero to 255ths as torchvision does.
pub(crate) fn adjust_hue(planes: &mut Planes, turns: f64) {
    shift(planes, (turns * 255.0) as i32 as u8);
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq", "x86_64+avx2"))]
fn shift(planes: &mut Planes, shift: u8) {
    planes.map_pixels(|pixel| {
        let hsv = hsv_of(pixel);
        rgb_of(Hsv {
            hue: hsv.hue.wrapping_add(shift),
            ..hsv
        })
    });
}
