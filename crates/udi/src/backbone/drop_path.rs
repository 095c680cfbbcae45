//! Stochastic depth: whole residual branches are dropped, a sample at a time.

use rand::Rng;
use tch::{Device, Kind, TchError, Tensor};

use super::layout::Group;
use crate::{
    random::{Purpose, stream},
    transfer::to_device,
};

/// Which branches of which samples are kept in one forward pass, already divided by the keep probability.
#[derive(Debug)]
pub(crate) struct DropPaths {
    /// `[2 depth, rows, 1, 1]`: attention and MLP of each block.
    kept: Tensor,
}

/// The two residual branches of a block.
#[derive(Debug, Clone, Copy)]
enum Branch {
    Attention = 0,
    Mlp = 1,
}

impl DropPaths {
    /// Draws for one step, on the host: one set for each entry of `rows`, the number of samples of a pass. None where
    /// nothing is dropped.
    pub fn draw<const PASSES: usize>(
        rate: f64,
        depth: i64,
        rows: [i64; PASSES],
        (seed, step): (u64, u64),
    ) -> [Option<Self>; PASSES] {
        let mut generator = stream(seed, Purpose::DropPath, step);
        rows.map(|rows| {
            if rate == 0.0 {
                return None;
            }
            let mut kept = Vec::with_capacity((2 * depth * rows) as usize);
            for branch in 0..2 * depth {
                let keep = 1.0 - block_rate(rate, branch / 2, depth);
                let draw = |_| f64::from(u8::from(generator.random::<f64>() < keep)) / keep;
                kept.extend((0..rows).map(draw).map(|factor| factor as f32));
            }
            Some(Self {
                kept: Tensor::from_slice(&kept).view([2 * depth, rows, 1, 1]),
            })
        })
    }

    /// The same on the device.
    pub fn on(&self, device: Device) -> Result<Self, TchError> {
        let kept = to_device(&self.kept, device)?;
        Ok(Self { kept })
    }

    /// The draws of the images `first..first + count` out of `images`: rows are those of all images, view by view.
    pub fn part(&self, images: i64, (first, count): (i64, i64)) -> Self {
        let views = self.kept.view([self.kept.size()[0], -1, images, 1, 1]);
        Self {
            kept: views.narrow(2, first, count).flatten(1, 2),
        }
    }

    /// Factors of the images for the branches of blocks from `block` on, `[2 blocks, images]`.
    fn from(&self, block: i64) -> Tensor {
        let count = self.kept.size()[0] - 2 * block;
        self.kept.narrow(0, 2 * block, count).flatten(1, -1)
    }
}

/// Factors of all rows of a block's branches, `[kept rows]`, fp32.
#[derive(Debug)]
pub(crate) struct BlockDrops {
    pub attention: Tensor,
    pub mlp: Tensor,
}

impl BlockDrops {
    /// Of the blocks from `first` on, for groups of rows of which each has its draws; none: nothing is dropped.
    pub fn of_blocks(groups: &[Group], draws: &[Option<&DropPaths>], first: i64) -> Vec<Self> {
        let Some(some) = draws.iter().flatten().next() else {
            return Vec::new();
        };
        let (branches, device) = (some.from(first).size()[0], some.kept.device());
        let rows: Vec<Tensor> = groups
            .iter()
            .zip(draws)
            .map(|(group, draws)| {
                let each = draws.map(|draws| draws.from(first));
                let rows = each.map(|each| each.repeat_interleave_self_int(group.kept, 1, None));
                rows.unwrap_or_else(|| {
                    let size = [branches, group.images * group.kept];
                    Tensor::ones(size, (Kind::Float, device))
                })
            })
            .collect();
        let rows = Tensor::cat(&rows, 1);
        let block = |block: i64| Self {
            attention: rows.get(2 * block + Branch::Attention as i64),
            mlp: rows.get(2 * block + Branch::Mlp as i64),
        };
        (0..branches / 2).map(block).collect()
    }
}

/// Rates rise linearly from 0 at the first block to `rate` at the last.
fn block_rate(rate: f64, block: i64, depth: i64) -> f64 {
    if depth == 1 {
        return 0.0;
    }
    rate * block as f64 / (depth - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: i64 = 4000;

    fn draw(step: u64) -> Tensor {
        let [paths] = DropPaths::draw(0.4, 3, [ROWS], (7, step));
        paths.map(|paths| paths.kept).unwrap_or_default()
    }

    #[test]
    fn rates_rise_linearly_and_what_is_kept_makes_up_for_what_is_dropped() {
        let kept = draw(1);
        for (branch, rate) in [0.0, 0.0, 0.2, 0.2, 0.4, 0.4].into_iter().enumerate() {
            let factors = kept.select(0, branch as i64);
            let dropped = factors.eq(0.0).mean(Kind::Double);
            let largest = factors.max().double_value(&[]);
            assert!((dropped.double_value(&[]) - rate).abs() < 0.03);
            assert!((largest - 1.0 / (1.0 - rate)).abs() < 1e-6);
        }
    }

    #[test]
    fn a_step_repeats_its_draws_and_another_step_has_others() {
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn passes_of_one_step_do_not_share_draws() {
        let [first, second] = DropPaths::draw(0.4, 3, [64, 64], (7, 1));
        assert_ne!(first.unwrap().kept, second.unwrap().kept);
    }

    #[test]
    fn a_part_holds_the_draws_of_its_images_in_every_view() {
        let [whole] = DropPaths::draw(0.4, 3, [6], (7, 1));
        let whole = whole.unwrap();
        let part = whole.part(3, (1, 2)).kept;
        let rows = Tensor::from_slice(&[1i64, 2, 4, 5]);
        assert_eq!(part, whole.kept.index_select(1, &rows));
    }

    #[test]
    fn nothing_is_dropped_at_rate_zero_or_in_a_single_block() {
        let [none] = DropPaths::draw(0.0, 3, [8], (7, 1));
        assert!(none.is_none());
        let [single] = DropPaths::draw(0.4, 1, [8], (7, 1));
        assert!(single.unwrap().kept.eq(1.0).all().int64_value(&[]) == 1);
    }
}
