//! The weights of PIL's antialiased bicubic resampling along one axis, in fixed point.

use std::ops::Range;

/// Half the filter's width at scale 1.
const SUPPORT: f64 = 2.0;

/// Which way the output pixels of an axis run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As the input pixels do.
    Forward,
    /// From the last to the first: the resized axis is mirrored.
    Mirrored,
}

/// An axis that is resized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaling {
    /// Input pixels.
    pub input: usize,
    /// Output pixels.
    pub output: usize,
    /// Which way the output runs.
    pub order: Order,
}

/// What a range of output pixels takes from the input pixels of one axis: of each, the first input pixel under the filter and
/// the weights of it and of those that follow. An output byte is the sum of weights times input bytes plus
/// [`ROUNDING`](Self::ROUNDING), shifted right by [`PRECISION`](Self::PRECISION) bits and clipped: bit for bit what PIL computes.
#[derive(Debug, Clone, Default)]
pub struct AxisTaps {
    spans: Vec<Range<usize>>,
    /// `width` weights of each output pixel.
    weights: Vec<i32>,
    width: usize,
}

impl AxisTaps {
    /// Bits after the binary point of a weight.
    pub const PRECISION: u32 = 32 - 8 - 2;
    /// One half, to be added before the shift.
    pub const ROUNDING: i32 = 1 << (Self::PRECISION - 1);

    /// The taps of all output pixels.
    pub fn new(scaling: Scaling) -> Self {
        let mut taps = Self::default();
        taps.set(scaling, 0..scaling.output);
        taps
    }

    /// The taps of the output pixels `wanted`; memory is used again.
    pub(crate) fn set(&mut self, scaling: Scaling, wanted: Range<usize>) {
        let filter = Filter::new(scaling);
        self.width = filter.max_taps();
        self.spans.clear();
        self.weights.clear();
        self.weights.resize(wanted.len() * self.width, 0);
        for (position, weights) in wanted.zip(self.weights.chunks_exact_mut(self.width)) {
            let position = match scaling.order {
                Order::Forward => position,
                Order::Mirrored => scaling.output - 1 - position,
            };
            let span = filter.span(position);
            filter.write_weights(position, span.clone(), weights);
            self.spans.push(span);
        }
    }

    /// Number of output pixels.
    pub fn outputs(&self) -> usize {
        self.spans.len()
    }

    /// The input pixels under the filter of some output pixel.
    pub fn inputs(&self) -> Range<usize> {
        let first = self.spans.iter().map(|span| span.start).min();
        let end = self.spans.iter().map(|span| span.end).max();
        first.unwrap_or(0)..end.unwrap_or(0)
    }

    /// Of each output pixel the first input pixel and the weights from there on, which sum to about 2^PRECISION.
    #[inline(always)]
    pub fn taps(&self) -> impl Iterator<Item = (usize, &[i32])> {
        let weights = self.weights.chunks_exact(self.width.max(1));
        let taps = self.spans.iter().zip(weights);
        taps.map(|(span, weights)| (span.start, &weights[..span.len()]))
    }
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
    let scaled = weight * f64::from(1u32 << AxisTaps::PRECISION);
    (scaled + 0.5f64.copysign(scaled)) as i32
}

/// Most input pixels under the filter for which weights are worked out without memory of their own.
const FEW_TAPS: usize = 64;

/// How the filter lies over the input.
struct Filter {
    input: usize,
    scale: f64,
    stretch: f64,
}

impl Filter {
    fn new(Scaling { input, output, .. }: Scaling) -> Self {
        let scale = input as f64 / output as f64;
        Self {
            input,
            scale,
            stretch: scale.max(1.0),
        }
    }

    fn max_taps(&self) -> usize {
        (SUPPORT * self.stretch).ceil() as usize * 2 + 1
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

    fn write_weights(&self, output: usize, span: Range<usize>, weights: &mut [i32]) {
        let mut few = [0.0; FEW_TAPS];
        let mut many = Vec::new();
        let exact = match few.get_mut(..span.len()) {
            Some(exact) => exact,
            None => {
                many.resize(span.len(), 0.0);
                &mut many[..]
            }
        };
        let (center, inverse) = (self.center(output), 1.0 / self.stretch);
        for (weight, input) in exact.iter_mut().zip(span) {
            *weight = cubic((input as f64 - center + 0.5) * inverse);
        }
        let sum: f64 = exact.iter().sum();
        let sum = if sum == 0.0 { 1.0 } else { sum };
        for (weight, exact) in weights.iter_mut().zip(exact) {
            *weight = fixed_point(*exact / sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaling(input: usize, output: usize) -> Scaling {
        Scaling {
            input,
            output,
            order: Order::Forward,
        }
    }

    #[test]
    fn weights_of_a_pixel_sum_to_one_and_lie_inside_the_axis() {
        for (input, output) in [(1, 1), (1, 9), (9, 1), (500, 224), (31, 96), (4000, 7)] {
            let axis = AxisTaps::new(scaling(input, output));
            assert_eq!(axis.taps().count(), output);
            for (first, weights) in axis.taps() {
                assert!(!weights.is_empty() && first + weights.len() <= input);
                let sum: i32 = weights.iter().sum();
                let error = sum.abs_diff(1 << AxisTaps::PRECISION);
                assert!(
                    error as usize <= weights.len(),
                    "{input} to {output}: {sum}"
                );
            }
        }
    }

    #[test]
    fn a_mirrored_axis_has_the_same_taps_from_behind() {
        let forward = AxisTaps::new(scaling(50, 24));
        let mirrored = AxisTaps::new(Scaling {
            order: Order::Mirrored,
            ..scaling(50, 24)
        });
        let mut taps: Vec<_> = forward.taps().collect();
        taps.reverse();
        assert_eq!(mirrored.taps().collect::<Vec<_>>(), taps);
    }

    #[test]
    fn a_part_of_an_axis_has_the_taps_that_it_has_in_the_whole() {
        let whole = AxisTaps::new(scaling(50, 24));
        let mut part = whole.clone();
        part.set(scaling(50, 24), 5..9);
        let wanted: Vec<_> = whole.taps().skip(5).take(4).collect();
        assert_eq!(part.taps().collect::<Vec<_>>(), wanted);
        assert_eq!(part.inputs(), wanted[0].0..wanted[3].0 + wanted[3].1.len());
    }
}
