//! Updates of many parameters in one pass over memory, by all of the engine's threads.
//!
//! libtorch's operations go over each parameter and its moments a dozen times; here a block of values is read once and
//! written once. Blocks are the same whatever the number of threads, and so are the sums over them.

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use multiversion::multiversion;
use tch::{Device, Kind, Tensor};

use crate::rows::{RowsError, in_parts};

/// Values of a block: five arrays of them fit a core's second cache.
const BLOCK: usize = 1 << 15;
/// Values summed side by side.
const LANES: usize = 64;

/// One update of a parameter by AdamW, and of a follower that moves towards the result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamwStep {
    /// The gradient is multiplied by it: clipping, and what takes a loss scale out.
    pub gradient_factor: f32,
    /// The parameter is multiplied by it: 1 - learning rate times weight decay.
    pub kept: f32,
    /// Learning rate divided by the correction of the first moment.
    pub step: f32,
    /// Reciprocal of the root of the correction of the second moment.
    pub root_factor: f32,
    /// Shares of the old moments kept.
    pub betas: (f32, f32),
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// How far the follower moves towards the parameter, from 0 to 1.
    pub share: f32,
}

/// The arrays of one update: contiguous fp32 tensors of one length on the CPU.
#[derive(Debug)]
pub struct AdamwArrays<'a> {
    /// What is updated.
    pub parameter: &'a mut Tensor,
    /// What follows it.
    pub follower: &'a mut Tensor,
    /// First moment.
    pub first: &'a mut Tensor,
    /// Second moment.
    pub second: &'a mut Tensor,
    /// Gradient.
    pub gradient: &'a Tensor,
    /// Its numbers.
    pub step: AdamwStep,
}

/// Updates all parameters, their moments and their followers.
pub fn adamw(updates: &mut [AdamwArrays]) -> Result<(), RowsError> {
    let mut arrays = Vec::with_capacity(updates.len());
    for update in updates {
        let changing = [
            &*update.parameter,
            &*update.follower,
            &*update.first,
            &*update.second,
        ];
        let mut flat = [Array::EMPTY; 4];
        for (flat, tensor) in flat.iter_mut().zip(changing) {
            *flat = Array::of(tensor)?;
        }
        arrays.push((flat, Array::of(update.gradient)?, update.step));
    }
    check(&arrays)?;
    let blocks = blocks(arrays.iter().map(|(_, gradient, _)| gradient.length));
    in_parts(blocks.len(), 5 * BLOCK, |part| {
        for (index, range) in &blocks[part] {
            let (changing, gradient, step) = &arrays[*index];
            // SAFETY: blocks are disjoint and each is visited by one thread; what changes overlaps nothing else (`check`),
            // and the ranges lie within the arrays, which are of one length.
            unsafe {
                adamw_block(
                    changing.map(|array| array.slice_mut(range)),
                    gradient.slice(range),
                    step,
                );
            }
        }
    });
    Ok(())
}

/// Sum of the squares of each tensor's values: contiguous fp32 tensors on the CPU.
pub fn square_sums(tensors: &[&Tensor]) -> Result<Vec<f64>, RowsError> {
    let arrays = tensors
        .iter()
        .map(|tensor| Array::of(tensor))
        .collect::<Result<Vec<_>, _>>()?;
    let blocks = blocks(arrays.iter().map(|array| array.length));
    let partial: Vec<AtomicU64> = blocks.iter().map(|_| AtomicU64::new(0)).collect();
    in_parts(blocks.len(), BLOCK, |part| {
        for place in part {
            let (index, range) = &blocks[place];
            // SAFETY: the range lies within the array, and nobody writes to a tensor that is borrowed.
            let sum = square_sum(unsafe { arrays[*index].slice(range) });
            partial[place].store(sum.to_bits(), Ordering::Relaxed);
        }
    });
    let mut sums = vec![0.0; tensors.len()];
    for ((index, _), sum) in blocks.iter().zip(partial) {
        sums[*index] += f64::from_bits(sum.into_inner());
    }
    Ok(sums)
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+fma", "x86_64+avx2+fma"))]
fn adamw_block(
    [parameters, followers, first, second]: [&mut [f32]; 4],
    gradients: &[f32],
    step: &AdamwStep,
) {
    let AdamwStep {
        gradient_factor,
        kept,
        step,
        root_factor,
        betas,
        epsilon,
        share,
    } = *step;
    let (new_first, new_second) = (1.0 - betas.0, 1.0 - betas.1);
    let moments = first.iter_mut().zip(second);
    let values = parameters.iter_mut().zip(followers).zip(moments);
    for (((parameter, follower), (first, second)), gradient) in values.zip(gradients) {
        let gradient = gradient * gradient_factor;
        *first += (gradient - *first) * new_first;
        *second = *second * betas.1 + gradient * gradient * new_second;
        let root = second.sqrt() * root_factor + epsilon;
        *parameter = *parameter * kept - step * *first / root;
        *follower += (*parameter - *follower) * share;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw+avx512dq+fma", "x86_64+avx2+fma"))]
fn square_sum(values: &[f32]) -> f64 {
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for block in blocks {
        for (sum, value) in sums.iter_mut().zip(block) {
            *sum += value * value;
        }
    }
    for (sum, value) in sums.iter_mut().zip(rest) {
        *sum += value * value;
    }
    sums.iter().copied().map(f64::from).sum()
}

/// Cuts arrays of these lengths into blocks: the array's number and a range of its values.
fn blocks(lengths: impl Iterator<Item = usize>) -> Vec<(usize, Range<usize>)> {
    let of_array = |(index, length): (usize, usize)| {
        let starts = (0..length).step_by(BLOCK);
        starts.map(move |start| (index, start..length.min(start + BLOCK)))
    };
    lengths.enumerate().flat_map(of_array).collect()
}

/// Where the values of a tensor lie. It is borrowed for as long as one of these is in use.
#[derive(Debug, Clone, Copy)]
struct Array {
    values: *mut f32,
    length: usize,
}

// SAFETY: only the functions above make them, and what they do with the memory behind them is sound from any thread.
unsafe impl Sync for Array {}

impl Array {
    const EMPTY: Self = Self {
        values: std::ptr::null_mut(),
        length: 0,
    };

    fn of(tensor: &Tensor) -> Result<Self, RowsError> {
        let fits = tensor.device() == Device::Cpu
            && tensor.kind() == Kind::Float
            && tensor.is_contiguous();
        if !fits {
            let (kind, size, device) = (tensor.kind(), tensor.size(), tensor.device());
            return Err(RowsError::Layout(format!(
                "{kind:?} {size:?} on {device:?}"
            )));
        }
        Ok(Self {
            values: tensor.data_ptr().cast(),
            length: tensor.numel(),
        })
    }

    fn addresses(&self) -> Range<usize> {
        let start = self.values as usize;
        start..start + self.length * size_of::<f32>()
    }

    /// # Safety
    /// The range lies within the array, and nobody writes to it meanwhile.
    unsafe fn slice<'a>(self, range: &Range<usize>) -> &'a [f32] {
        // SAFETY: the tensor is contiguous.
        unsafe { std::slice::from_raw_parts(self.values.add(range.start), range.len()) }
    }

    /// # Safety
    /// The range lies within the array, and nobody else reads or writes it meanwhile.
    unsafe fn slice_mut<'a>(self, range: &Range<usize>) -> &'a mut [f32] {
        // SAFETY: the tensor is contiguous.
        unsafe { std::slice::from_raw_parts_mut(self.values.add(range.start), range.len()) }
    }
}

/// Refuses arrays of different lengths in one update, and arrays that change and overlap another.
fn check(updates: &[([Array; 4], Array, AdamwStep)]) -> Result<(), RowsError> {
    let mut places = Vec::with_capacity(5 * updates.len());
    for (changing, gradient, _) in updates {
        if let Some(odd) = changing
            .iter()
            .find(|array| array.length != gradient.length)
        {
            return Err(RowsError::Count {
                expected: gradient.length,
                received: odd.length,
            });
        }
        places.extend(changing.iter().map(|array| (array.addresses(), true)));
        places.push((gradient.addresses(), false));
    }
    places.retain(|(addresses, _)| !addresses.is_empty());
    places.sort_by_key(|(addresses, _)| addresses.start);
    // The ends so far, of what changes and of all.
    let mut ends = (0, 0);
    for (addresses, changes) in places {
        if addresses.start < ends.0 || (changes && addresses.start < ends.1) {
            return Err(RowsError::Overlap);
        }
        ends.1 = ends.1.max(addresses.end);
        if changes {
            ends.0 = addresses.end;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STEP: AdamwStep = AdamwStep {
        gradient_factor: 0.5,
        kept: 0.99,
        step: 0.01,
        root_factor: 1.5,
        betas: (0.9, 0.999),
        epsilon: 1e-8,
        share: 0.1,
    };

    fn random(length: usize) -> Tensor {
        Tensor::randn([length as i64], (Kind::Float, Device::Cpu))
    }

    /// Parameter, follower, first and second moment, gradient.
    fn arrays(length: usize) -> [Tensor; 5] {
        let [a, b, c, d, e] = [(); 5].map(|()| random(length));
        [a, b, c, d.abs(), e]
    }

    fn update(all: &mut [[Tensor; 5]]) -> Result<(), RowsError> {
        let mut updates: Vec<AdamwArrays> = all
            .iter_mut()
            .map(
                |[parameter, follower, first, second, gradient]| AdamwArrays {
                    parameter,
                    follower,
                    first,
                    second,
                    gradient,
                    step: STEP,
                },
            )
            .collect();
        adamw(&mut updates)
    }

    fn values(tensor: &Tensor) -> Vec<f64> {
        Vec::try_from(tensor.to_kind(Kind::Double)).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn values_are_those_of_double_precision(
            lengths in prop::collection::vec(prop_oneof![0..200usize, BLOCK - 3..BLOCK + 90], 1..5),
        ) {
            let mut all: Vec<[Tensor; 5]> = lengths.iter().map(|&length| arrays(length)).collect();
            let before: Vec<[Vec<f64>; 5]> = all.iter().map(|five| five.each_ref().map(values)).collect();
            update(&mut all).unwrap();
            for (five, [p, t, m, v, g]) in all.iter().zip(before) {
                let [parameter, follower, first, second, _] = five.each_ref().map(values);
                for place in 0..p.len() {
                    let g = g[place] * 0.5;
                    let m = 0.9f32 as f64 * m[place] + (1.0 - 0.9f32 as f64) * g;
                    let v = 0.999f32 as f64 * v[place] + (1.0 - 0.999f32 as f64) * g * g;
                    let p = p[place] * 0.99 - 0.01 * m / (v.sqrt() * 1.5 + 1e-8);
                    let t = t[place] + (p - t[place]) * 0.1;
                    let received = [parameter[place], follower[place], first[place], second[place]];
                    for (received, expected) in received.into_iter().zip([p, t, m, v]) {
                        prop_assert!((received - expected).abs() < 1e-5 * expected.abs().max(1.0));
                    }
                }
            }
        }

        #[test]
        fn sums_are_those_of_double_precision(
            lengths in prop::collection::vec(prop_oneof![0..200usize, BLOCK - 3..3 * BLOCK], 1..5),
        ) {
            let tensors: Vec<Tensor> = lengths.iter().map(|&length| random(length)).collect();
            let sums = square_sums(&tensors.iter().collect::<Vec<_>>()).unwrap();
            for (tensor, sum) in tensors.iter().zip(sums) {
                let expected: f64 = values(tensor).iter().map(|value| value * value).sum();
                prop_assert!((sum - expected).abs() <= 1e-6 * expected);
            }
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let threads = tch::get_num_threads();
        let inputs = [arrays(3 << 19), arrays(100)];
        let run = |threads| {
            tch::set_num_threads(threads);
            let mut all = inputs
                .each_ref()
                .map(|five| five.each_ref().map(Tensor::copy));
            update(&mut all).unwrap();
            let sums = square_sums(&[&all[0][0], &all[1][0]]).unwrap();
            (all, sums)
        };
        let (one, three) = (run(1), run(3));
        tch::set_num_threads(threads);
        assert_eq!(one, three);
    }

    #[test]
    fn a_value_that_is_not_finite_reaches_the_sum() {
        for value in [f32::NAN, f32::INFINITY] {
            let tensor = Tensor::from_slice(&[1.0, value, 2.0]);
            assert!(!square_sums(&[&tensor]).unwrap()[0].is_finite());
        }
    }

    #[test]
    fn arrays_that_cannot_be_updated_are_refused() {
        let mut uneven = [arrays(5)];
        uneven[0][1] = random(4);
        let count = RowsError::Count {
            expected: 5,
            received: 4,
        };
        assert_eq!(update(&mut uneven), Err(count));
        let mut same = [arrays(5)];
        same[0][3] = same[0][0].shallow_clone();
        assert_eq!(update(&mut same), Err(RowsError::Overlap));
        let mut shared = [arrays(5), arrays(5)];
        shared[1][4] = shared[0][0].shallow_clone();
        assert_eq!(update(&mut shared), Err(RowsError::Overlap));
        let mut gradients = [arrays(5), arrays(5)];
        gradients[1][4] = gradients[0][4].shallow_clone();
        assert_eq!(update(&mut gradients), Ok(()));
        let doubles = random(4).to_kind(Kind::Double);
        assert!(matches!(
            square_sums(&[&doubles]),
            Err(RowsError::Layout(_))
        ));
        let spread = random(8).view([4, 2]).tr();
        assert!(matches!(square_sums(&[&spread]), Err(RowsError::Layout(_))));
    }
}
