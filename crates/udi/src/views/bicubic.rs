//! The weights of PIL's antialiased bicubic resampling along one axis, for many views at once (spec/method.md section 2).

use tch::{Kind, Tensor};

/// Half the filter's width at scale 1.
const SUPPORT: f64 = 2.0;
/// Keys' parameter, as PIL has it.
const A: f64 = -0.5;
/// PIL's weights are multiples of 2^-22, halves rounded away from zero.
const UNITS: f64 = (1 << 22) as f64;

/// One axis of the crops of a chunk.
pub(super) struct Axis {
    /// Pixels of each crop along it, `[crops, 1, 1]`, int64.
    pub lengths: Tensor,
    /// 1 where the view is mirrored along it, `[crops, 1, 1]`, int64.
    pub mirrored: Tensor,
    /// The largest of the lengths.
    pub longest: i64,
}

impl Axis {
    /// Indices of the input pixels, `[longest]`, int64.
    pub fn inputs(&self) -> Tensor {
        Tensor::arange(self.longest, (Kind::Int64, self.lengths.device()))
    }
}

/// `[crops, side, longest]`, fp32: a row for each output pixel, 0 beyond the filter and beyond the crop.
pub(super) fn weights(axis: &Axis, side: i64) -> Tensor {
    let device = axis.lengths.device();
    let outputs = Tensor::arange(side, (Kind::Int64, device)).view([1, side, 1]);
    let other_way: Tensor = (side - 1) - &outputs * 2;
    let outputs: Tensor = &outputs + &axis.mirrored * other_way;
    let lengths = axis.lengths.to_kind(Kind::Double);
    let scale = &lengths / side as f64;
    let stretch = scale.clamp_min(1.0);
    let centers = (outputs.to_kind(Kind::Double) + 0.5) * &scale;
    let support = &stretch * SUPPORT;
    // PIL casts to whole numbers, which cuts towards zero.
    let starts = (&centers - &support + 0.5).clamp_min(0.0).floor();
    let ends = (&centers + &support + 0.5).floor().minimum(&lengths);
    let inputs = axis.inputs().to_kind(Kind::Double).view([1, 1, -1]);
    let distances = (&inputs - &centers + 0.5) * stretch.reciprocal();
    let inside = inputs
        .ge_tensor(&starts)
        .logical_and(&inputs.lt_tensor(&ends));
    let weights = cubic(&distances.abs()) * inside;
    let sums = weights.sum_dim_intlist([-1].as_slice(), true, Kind::Double);
    let scaled = weights / sums * UNITS;
    let halves = scaled.sign() * 0.5;
    ((scaled + halves).trunc_() / UNITS).to_kind(Kind::Float)
}

/// Keys' cubic of distances in [0, 2].
fn cubic(x: &Tensor) -> Tensor {
    let near = (x * (A + 2.0) - (A + 3.0)) * x * x + 1.0;
    let far = (((x - 5.0) * x + 8.0) * x - 4.0) * A;
    let beyond = x.zeros_like();
    near.where_self(&x.lt(1.0), &far.where_self(&x.lt(2.0), &beyond))
}
