//! The weights of PIL's antialiased bicubic resampling along one axis, in fixed point.

use std::ops::Range;

/// Bits after the binary point of PIL's 8-bit resampling.
const PRECISION: u32 = 32 - 8 - 2;
/// Bits of a weight's low part: non-negative in an `i16`.
const LOW_BITS: u32 = 15;
/// The weights of a pixel are padded with zeros to a multiple of this.
const LANES: usize = 8;
/// Half the filter's width at scale 1.
const SUPPORT: f64 = 2.0;

/// The weights of a range of output pixels over the input pixels of one axis.
///
/// Each 32-bit weight is stored as two 16-bit parts, so that the sums compile to multiply-add
/// instructions on 16-bit lanes; the result is bit for bit that of 32-bit arithmetic.
pub(crate) struct AxisWeights {
    taps: usize,
    starts: Vec<usize>,
    high: Vec<i16>,
    low: Vec<i16>,
}

/// Keys' cubic with a = -0.5.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// PIL's rounding of a normalised weight: halves away from zero.
fn fixed_point(weight: f64) -> i32 {
    let scaled = weight * f64::from(1u32 << PRECISION);
    (scaled + 0.5f64.copysign(scaled)) as i32
}

/// How the filter lies over the input.
struct Filter {
    input: usize,
    scale: f64,
    stretch: f64,
}

impl Filter {
    fn new(input: usize, output: usize) -> Self {
        let scale = input as f64 / output as f64;
        Self {
            input,
            scale,
            stretch: scale.max(1.0),
        }
    }

    fn max_taps(&self) -> usize {
        let taps = (SUPPORT * self.stretch).ceil() as usize * 2 + 1;
        taps.next_multiple_of(LANES)
    }

    fn center(&self, output: usize) -> f64 {
        (output as f64 + 0.5) * self.scale
    }

    /// The input pixels under the filter of one output pixel.
    fn span(&self, output: usize) -> Range<usize> {
        let (center, support) = (self.center(output), SUPPORT * self.stretch);
        // Casts of floats saturate: negative positions become 0.
        let start = (center - support + 0.5) as usize;
        let end = ((center + support + 0.5) as usize).min(self.input);
        start..end
    }

    fn weights(&self, output: usize, span: Range<usize>) -> Vec<f64> {
        let (center, inverse) = (self.center(output), 1.0 / self.stretch);
        let mut weights: Vec<f64> = span
            .map(|input| cubic((input as f64 - center + 0.5) * inverse))
            .collect();
        let sum: f64 = weights.iter().sum();
        if sum != 0.0 {
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        weights
    }
}

impl AxisWeights {
    /// Weights of the pixels `wanted` of an axis resized from `input` to `output` pixels.
    pub(crate) fn new(input: usize, output: usize, wanted: Range<usize>) -> Self {
        let filter = Filter::new(input, output);
        let taps = filter.max_taps();
        let mut axis = Self {
            taps,
            starts: Vec::with_capacity(wanted.len()),
            high: vec![0; wanted.len() * taps],
            low: vec![0; wanted.len() * taps],
        };
        for (index, position) in wanted.enumerate() {
            let span = filter.span(position);
            axis.starts.push(span.start);
            axis.store(index * taps, &filter.weights(position, span));
        }
        axis
    }

    fn store(&mut self, first: usize, weights: &[f64]) {
        let parts = self.high[first..].iter_mut().zip(&mut self.low[first..]);
        for ((high, low), &weight) in parts.zip(weights) {
            let weight = fixed_point(weight);
            *high = (weight >> LOW_BITS) as i16;
            *low = (weight & ((1 << LOW_BITS) - 1)) as i16;
        }
    }

    /// The input pixels that some output pixel may read, before padding.
    pub(crate) fn inputs(&self, input: usize) -> Range<usize> {
        let first = self.starts.first().copied().unwrap_or(0);
        let last = self.starts.last().copied().unwrap_or(0);
        first..(last + self.taps).min(input)
    }

    /// Moves the weights to lines that begin `offset` input pixels later.
    pub(crate) fn shift(&mut self, offset: usize) {
        self.starts.iter_mut().for_each(|start| *start -= offset);
    }

    /// Length that a line must have so that the padded weights stay inside it.
    pub(crate) fn line_length(&self) -> usize {
        self.starts.last().copied().unwrap_or(0) + self.taps
    }

    /// Output pixels.
    pub(crate) fn outputs(&self) -> usize {
        self.starts.len()
    }

    /// Output pixel `index` of each of `lines`.
    #[inline]
    pub(crate) fn apply<const N: usize>(&self, index: usize, lines: [&[i16]; N]) -> [u8; N] {
        let first = index * self.taps;
        let high = &self.high[first..first + self.taps];
        let low = &self.low[first..first + self.taps];
        let start = self.starts[index];
        lines.map(|line| weighted_byte(&line[start..start + self.taps], high, low))
    }
}

/// The rounded, clipped sum of `values` times their weights.
#[inline]
fn weighted_byte(values: &[i16], high: &[i16], low: &[i16]) -> u8 {
    // Each part may wrap; the whole is the 32-bit sum of PIL, which does not.
    let (high, low) = dot_parts(values, high, low);
    let sum = (high << LOW_BITS)
        .wrapping_add(low)
        .wrapping_add(1 << (PRECISION - 1));
    (sum >> PRECISION).clamp(0, 255) as u8
}

#[inline]
fn dot_parts(values: &[i16], high: &[i16], low: &[i16]) -> (i32, i32) {
    let mut high_sum = 0i32;
    let mut low_sum = 0i32;
    for ((&value, &high), &low) in values.iter().zip(high).zip(low) {
        let value = i32::from(value);
        high_sum = high_sum.wrapping_add(value * i32::from(high));
        low_sum = low_sum.wrapping_add(value * i32::from(low));
    }
    (high_sum, low_sum)
}
