//! Backbone, sampling attention and head: the architecture that student and teacher share.

use tch::{Device, Kind, Tensor};

use crate::{
    backbone::{DropPaths, Readout, VisionTransformer},
    batch::{LoadedBatch, MultiCropBatch},
    config::ModelConfig,
    error::{UdiError, expect},
    head::{Head, Prototypes},
    maps::Maps,
    parameters::{Declaration, Declarations, Weights},
    sampling::{SampledAttention, Samples},
    stopwatch::{Phase, Stopwatch},
};

/// The architecture; its values are [`crate::parameters::Parameters`].
#[derive(Debug)]
pub(crate) struct Network {
    config: ModelConfig,
    declarations: Vec<Declaration>,
    backbone: VisionTransformer,
    sampling: Option<SampledAttention>,
    head: Head,
}

/// One forward pass of a network: the values it reads, where, and who measures it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub weights: &'a Weights,
    pub device: Device,
    pub watch: &'a Stopwatch,
}

/// Stochastic depth of the student's two passes.
#[derive(Debug)]
pub(crate) struct StudentDrops {
    pub globals: Option<DropPaths>,
    pub locals: Option<DropPaths>,
}

/// Bottleneck vectors of the student: one matrix, in which each kind of row has its place.
#[derive(Debug)]
pub(crate) struct Prediction {
    /// `[rows, K]`
    pub vectors: Tensor,
    pub rows: StudentRows,
}

/// Rows of [`Prediction`], in this order; parts that the model lacks have none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StudentRows {
    /// Images B.
    pub images: i64,
    /// Local crops L.
    pub crops: i64,
    /// Class tokens: `cls` of g1, g2, then `cls+` of g1, g2; then `cls` of all local crops, then their `cls+`.
    pub class_tokens: i64,
    /// Valid samples V of the patch level, last.
    pub patches: i64,
}

/// Bottleneck vectors of the teacher. It sees the global crops as g2, g1.
#[derive(Debug)]
pub(crate) struct TeacherVectors {
    /// `cls`, `[2 B, K]`
    pub class: Tensor,
    /// Samples read, `[E, K]`; None without a patch level.
    pub samples: Option<Tensor>,
}

impl Network {
    pub fn new(config: &ModelConfig) -> Self {
        let mut declarations = Declarations::default();
        let backbone = VisionTransformer::declare(&mut declarations, "backbone.backbone", config);
        let sampling = config
            .include_patch
            .then(|| SampledAttention::declare(&mut declarations, "backbone", config));
        let head = Head::declare(&mut declarations, "head.0", config.width, &config.head);
        Self {
            config: config.clone(),
            declarations: declarations.into_vec(),
            backbone,
            sampling,
            head,
        }
    }

    pub fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }

    pub fn prototypes(&self) -> &Prototypes {
        self.head.prototypes()
    }

    /// Refuses a batch that is not made for this model.
    pub fn check(&self, batch: &MultiCropBatch) -> Result<(), UdiError> {
        let patch = self.config.patch_size;
        let same = || format!("the model's patch size {patch}");
        expect(
            batch.patch_size() == patch,
            "patchSize",
            same,
            batch.patch_size(),
        )?;
        let complete = batch.maps().is_some() || !self.config.include_patch;
        let needed = || "sampling maps, since the model has a patch level".to_owned();
        expect(complete, "maps", needed, "none")
    }

    /// Draws for one step: a function of (seed, step).
    pub fn draw_drops(
        &self,
        batch: &MultiCropBatch,
        seed_and_step: (u64, u64),
        device: Device,
    ) -> StudentDrops {
        let shape = batch.shape();
        let rows = [2 * shape.images, shape.local_crops * shape.images];
        let (rate, depth) = (self.config.drop_path_rate, self.config.depth);
        let [globals, locals] = DropPaths::draw(rate, depth, rows, seed_and_step, device);
        StudentDrops { globals, locals }
    }

    /// The student's view of a batch.
    pub fn predict(&self, pass: Pass, loaded: &LoadedBatch, drops: &StudentDrops) -> Prediction {
        let Pass {
            weights,
            device,
            watch,
        } = pass;
        let maps = loaded.batch.maps().filter(|_| self.sampling.is_some());
        let encode = |views: &Tensor, readout, drop: &Option<DropPaths>| {
            watch.time(Phase::StudentBackbone, || {
                self.backbone
                    .forward(weights, views, readout, drop.as_ref())
            })
        };
        let globals = encode(&loaded.globals, self.readout(), &drops.globals);
        let mut rows = vec![token_rows(&globals.class)];
        if let Some(locals) = &loaded.locals {
            let locals = encode(locals, Readout::ClassTokens, &drops.locals);
            rows.push(token_rows(&locals.class));
        }
        if let Some(maps) = maps {
            let sampled = self.sampled(pass, &globals.patches, &maps.source(device));
            rows.extend(sampled.map(|sampled| maps.valid(&sampled)));
        }
        let shape = loaded.batch.shape();
        Prediction {
            vectors: self.bottleneck(pass, &rows),
            rows: StudentRows {
                images: shape.images,
                crops: shape.local_crops,
                class_tokens: self.config.class_tokens,
                patches: maps.map_or(0, Maps::valid_count),
            },
        }
    }

    /// The teacher's view of a batch: its backbone runs once, on the global crops alone.
    pub fn teach(&self, pass: Pass, loaded: &LoadedBatch) -> TeacherVectors {
        let Pass {
            weights,
            device,
            watch,
        } = pass;
        let images = loaded.batch.shape().images;
        let globals = loaded.globals.roll([images], [0]);
        let encoded = watch.time(Phase::TeacherBackbone, || {
            self.backbone
                .forward(weights, &globals, self.readout(), None)
        });
        let mut rows = vec![encoded.class.select(1, 0)];
        if let Some(maps) = loaded.batch.maps() {
            let sampled = self.sampled(pass, &encoded.patches, &maps.target(device));
            rows.extend(sampled.map(|sampled| maps.read(&sampled)));
        }
        let vectors = self.bottleneck(pass, &rows);
        let samples = vectors.size()[0] - 2 * images;
        TeacherVectors {
            class: vectors.narrow(0, 0, 2 * images),
            samples: (rows.len() > 1).then(|| vectors.narrow(0, 2 * images, samples)),
        }
    }

    /// Sampled tokens `[R, S, C]`; None without a patch level.
    fn sampled(&self, pass: Pass, patches: &Option<Tensor>, samples: &Samples) -> Option<Tensor> {
        let (sampling, patches) = self.sampling.as_ref().zip(patches.as_ref())?;
        Some(pass.watch.time(Phase::Sampling, || {
            sampling.forward(pass.weights, patches, samples)
        }))
    }

    /// Rows `[.., C]` of several kinds -> bottleneck vectors `[rows, K]`.
    fn bottleneck(&self, pass: Pass, rows: &[Tensor]) -> Tensor {
        pass.watch.time(Phase::Head, || {
            self.head.forward(pass.weights, &Tensor::cat(rows, 0))
        })
    }

    /// Class-token features after the final norm: images `[n, 3, H, W]`, normalised -> `[n, C]`, fp32.
    pub fn features(&self, weights: &Weights, images: &Tensor) -> Tensor {
        let encoded = self
            .backbone
            .forward(weights, images, Readout::ClassTokens, None);
        encoded.class.select(1, 0).to_kind(Kind::Float)
    }

    fn readout(&self) -> Readout {
        match self.sampling {
            Some(_) => Readout::AllTokens,
            None => Readout::ClassTokens,
        }
    }
}

/// `[B, tokens, C]` -> `[tokens B, C]`: all rows of the first token, then those of the second.
fn token_rows(class: &Tensor) -> Tensor {
    class.transpose(0, 1).flatten(0, 1)
}

impl StudentRows {
    /// First row of a class token's global views, `2 B` of them.
    pub fn globals(self, token: i64) -> i64 {
        2 * self.images * token
    }

    /// First row of a class token's local views, `L B` of them.
    pub fn locals(self, token: i64) -> i64 {
        2 * self.images * self.class_tokens + self.crops * self.images * token
    }

    /// First row of the valid samples, `V` of them.
    pub fn patches(self) -> i64 {
        self.locals(self.class_tokens)
    }
}
