//! What the student is compared with, in the space of bottleneck vectors.
//!
//! Logits are linear in these vectors, so that pooling, mixing and the batch means of the centres need no
//! matrix of prototypes: `W (Σ m u) = Σ m (W u)`.

use tch::{Kind, Tensor};

use super::terms::Level;
use crate::{
    maps::{Maps, Pooled},
    network::TeacherVectors,
};

/// Teacher vectors of all levels; two views of each image are g2, g1 in this order.
#[derive(Debug)]
pub(crate) struct Targets {
    /// `[2, B, K]`
    pub class: Tensor,
    pub plus: Option<PlusTargets>,
    /// `[V, K]`, in the order of the student's valid samples.
    pub patches: Option<Tensor>,
    /// This batch's mean vector `[K]` of each level; None: the level holds no sample.
    pub means: Vec<(Level, Option<Tensor>)>,
}

/// Targets of `cls+`: pooled samples mixed with `cls`.
#[derive(Debug)]
pub(crate) struct PlusTargets {
    /// `[2, B, K]`
    pub globals: Tensor,
    /// `[2, L B, K]`; no rows without local crops.
    pub locals: Tensor,
}

impl Targets {
    /// `levels` are those of the model, `images` is B; `alpha` is the share of the pooled samples in `cls+`.
    pub fn new(
        vectors: &TeacherVectors,
        maps: Option<&Maps>,
        levels: &[Level],
        (images, alpha): (i64, f64),
    ) -> Self {
        let width = vectors.class.size()[1];
        let class = vectors.class.view([2, images, width]);
        let sampled = vectors.samples.as_ref().zip(maps);
        let pooled = sampled.map(|(samples, maps)| maps.pool(samples));
        let plus = pooled
            .as_ref()
            .filter(|_| levels.contains(&Level::ClsPlus))
            .map(|pooled| PlusTargets::new(&class, pooled, alpha));
        let mean = |level: &Level| match level {
            Level::Cls => Some(mean_row(&vectors.class)),
            Level::ClsPlus => plus.as_ref().map(PlusTargets::mean),
            Level::Patch => pooled
                .as_ref()
                .and_then(|pooled| pooled.batch.as_ref().map(Tensor::shallow_clone)),
        };
        Self {
            means: levels.iter().map(|level| (*level, mean(level))).collect(),
            patches: sampled.map(|(samples, maps)| maps.valid_among_read(samples)),
            class,
            plus,
        }
    }
}

impl PlusTargets {
    fn new(class: &Tensor, pooled: &Pooled, alpha: f64) -> Self {
        let size = class.size();
        let (images, width) = (size[1], size[2]);
        let groups = pooled.groups.view([-1, 2, images, width]);
        let mixed = groups * alpha + class.unsqueeze(0) * (1.0 - alpha);
        let crops = mixed.size()[0] - 1;
        Self {
            globals: mixed.get(0),
            locals: mixed
                .narrow(0, 1, crops)
                .transpose(0, 1)
                .reshape([2, crops * images, width]),
        }
    }

    fn mean(&self) -> Tensor {
        mean_row(&Tensor::cat(
            &[self.globals.flatten(0, 1), self.locals.flatten(0, 1)],
            0,
        ))
    }
}

/// `[rows, K]` -> `[K]`
fn mean_row(rows: &Tensor) -> Tensor {
    rows.mean_dim([0].as_slice(), false, Kind::Float)
}
