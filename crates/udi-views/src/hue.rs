//! Hue: through PIL's 8-bit HSV, where the hue wraps, and back.

use crate::Planes;

/// PIL's `convert("HSV")` of one pixel, with its mix of single and double precision.
#[inline]
fn rgb_to_hsv([red, green, blue]: [u8; 3]) -> [u8; 3] {
    let max = red.max(green).max(blue);
    let min = red.min(green).min(blue);
    if max == min {
        return [0, 0, max];
    }
    let range = f32::from(max - min);
    let distance = |value: u8| f32::from(max - value) / range;
    let sixths = if red == max {
        distance(blue) - distance(green)
    } else if green == max {
        (2.0 + f64::from(distance(red)) - f64::from(distance(blue))) as f32
    } else {
        (4.0 + f64::from(distance(green)) - f64::from(distance(red))) as f32
    };
    let turns = f64::from(sixths) / 6.0 + 1.0;
    let hue = if turns >= 1.0 { turns - 1.0 } else { turns } as f32;
    let saturation = range / f32::from(max);
    let byte = |part: f32| (f64::from(part) * 255.0) as u8;
    [byte(hue), byte(saturation), max]
}

/// Which sixth of the colour circle a hue is in, and how far into it.
#[derive(Clone, Copy)]
struct Sector {
    index: u8,
    part: f64,
}

fn sector(hue: u8) -> Sector {
    let sixths = f64::from(hue) * 6.0 / 255.0;
    let index = sixths.floor();
    Sector {
        index: index as u8 % 6,
        part: f64::from((sixths - index) as f32),
    }
}

/// PIL's `convert("RGB")` of one HSV pixel.
#[inline]
fn hsv_to_rgb(sector: Sector, saturation: u8, value: u8) -> [u8; 3] {
    if saturation == 0 {
        return [value; 3];
    }
    let strength = f64::from((f64::from(saturation) / 255.0) as f32);
    // The products are not negative: adding a half and cutting rounds halves away from zero, as C's round does.
    let scaled = |part: f64| (f64::from(value) * part + 0.5) as u8;
    let low = scaled(1.0 - strength);
    let falling = scaled(1.0 - strength * sector.part);
    let rising = scaled(1.0 - strength * (1.0 - sector.part));
    match sector.index {
        0 => [value, rising, low],
        1 => [falling, value, low],
        2 => [low, value, rising],
        3 => [low, falling, value],
        4 => [rising, low, value],
        _ => [value, low, falling],
    }
}

/// Shifts the hue by `turns` of the circle, cut towards zero to 255ths as torchvision does.
pub(crate) fn adjust_hue(planes: &mut Planes, turns: f64) {
    let shift = (turns * 255.0) as i32 as u8;
    let sectors: [Sector; 256] = std::array::from_fn(|hue| sector((hue as u8).wrapping_add(shift)));
    planes.map_pixels(|pixel| {
        let [hue, saturation, value] = rgb_to_hsv(pixel);
        hsv_to_rgb(sectors[usize::from(hue)], saturation, value)
    });
}
