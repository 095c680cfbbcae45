//! Hue: through PIL's 8-bit HSV, where the hue wraps, and back, with its mix of single and double precision.

use tch::{Kind, Tensor};

/// Shifts the hues of `[views, 3, side, side]` by turns of the circle, one number a view, cut towards zero to 255ths.
pub(super) fn shift_hue(values: &Tensor, turns: &[f64]) -> Tensor {
    let shifts: Vec<f64> = turns.iter().map(|turns| (turns * 255.0).trunc()).collect();
    let shifts = Tensor::from_slice(&shifts).view([-1, 1, 1]);
    let Hsv {
        hue,
        saturation,
        value,
    } = hsv(values);
    let shifted = hue + shifts.to_device(values.device());
    // A byte wraps at 256.
    let hue = &shifted - (&shifted / 256.0).floor() * 256.0;
    rgb(&Hsv {
        hue,
        saturation,
        value,
    })
}

/// Whole numbers from 0 to 255, `[views, side, side]`, fp64.
struct Hsv {
    hue: Tensor,
    saturation: Tensor,
    value: Tensor,
}

fn double(tensor: &Tensor) -> Tensor {
    tensor.to_kind(Kind::Double)
}

/// Rounds fp64 to fp32, as PIL does between its operations.
fn single(tensor: &Tensor) -> Tensor {
    tensor.to_kind(Kind::Float)
}

fn hsv(values: &Tensor) -> Hsv {
    let (max, min) = (
        values.amax([1].as_slice(), false),
        values.amin([1].as_slice(), false),
    );
    let range = &max - &min;
    let grey = range.eq(0.0);
    let divisor = range.clamp_min(1.0);
    let channel = |index| values.select(1, index);
    let distance = |index| (&max - channel(index)) / &divisor;
    let (red, green, blue) = (distance(0), distance(1), distance(2));
    let from_green = single(&(double(&red) + 2.0 - double(&blue)));
    let from_blue = single(&(double(&green) + 4.0 - double(&red)));
    let sixths = (&blue - &green).where_self(
        &channel(0).eq_tensor(&max),
        &from_green.where_self(&channel(1).eq_tensor(&max), &from_blue),
    );
    let turns = double(&sixths) / 6.0 + 1.0;
    let wrapped = &turns - turns.ge(1.0).to_kind(Kind::Double);
    let byte = |part: Tensor| (double(&part) * 255.0).trunc_();
    let hue = byte(single(&wrapped));
    let saturation = byte(range / max.clamp_min(1.0));
    let zero = hue.zeros_like();
    Hsv {
        hue: zero.where_self(&grey, &hue),
        saturation: zero.where_self(&grey, &saturation),
        value: double(&max),
    }
}

/// Which of value, rising, falling and low a channel is in each sixth of the circle.
const CHANNELS: [[i64; 6]; 3] = [
    [0, 2, 3, 3, 1, 0], // red
    [1, 0, 0, 2, 3, 3], // green
    [3, 3, 1, 0, 0, 2], // blue
];

fn rgb(hsv: &Hsv) -> Tensor {
    let sixths = &hsv.hue * 6.0 / 255.0;
    let sector = sixths.floor();
    let part = double(&single(&(sixths - &sector)));
    let sector = sector.to_kind(Kind::Int64).remainder(6);
    let strength = double(&single(&(&hsv.saturation / 255.0)));
    let scaled = |share: Tensor| (&hsv.value * share + 0.5).floor_();
    let low = scaled(1.0 - &strength);
    let falling = scaled(1.0 - &strength * &part);
    let rising = scaled(1.0 - &strength * (1.0 - &part));
    let parts = Tensor::stack(&[hsv.value.shallow_clone(), rising, falling, low], 0);
    let channel = |table: [i64; 6]| {
        let table = Tensor::from_slice(&table).to_device(sector.device());
        let choice = table.take(&sector).unsqueeze(0);
        parts.gather(0, &choice, false).squeeze_dim(0)
    };
    let coloured = Tensor::stack(&CHANNELS.map(channel), 1);
    let grey = hsv.saturation.eq(0.0).unsqueeze(1);
    let value = hsv.value.unsqueeze(1).expand_as(&coloured);
    single(&value.where_self(&grey, &coloured))
}
