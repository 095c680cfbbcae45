//! Backbone, sampling attention and head: the architecture that student and teacher share.

use tch::{Device, Kind, TchError, Tensor, no_grad};

use crate::{
    backbone::{DropPaths, Encoded, Keep, Readout, Tape, Views, VisionTransformer},
    batch::{LoadedBatch, MultiCropBatch},
    config::ModelConfig,
    error::{UdiError, expect},
    frozen::FrozenBackbone,
    head::{Head, Prototypes},
    layers::HandGradients,
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

impl StudentDrops {
    /// The same on the device.
    pub fn on(&self, device: Device) -> Result<Self, TchError> {
        let send = |drops: &Option<DropPaths>| drops.as_ref().map(|drops| drops.on(device));
        Ok(Self {
            globals: send(&self.globals).transpose()?,
            locals: send(&self.locals).transpose()?,
        })
    }

    /// The draws of the images `first..first + count` out of `images`.
    pub fn part(&self, images: i64, part: (i64, i64)) -> Self {
        let cut = |drops: &Option<DropPaths>| drops.as_ref().map(|drops| drops.part(images, part));
        Self {
            globals: cut(&self.globals),
            locals: cut(&self.locals),
        }
    }
}

/// Bottleneck vectors of the student: one matrix, in which each kind of row has its place.
#[derive(Debug)]
pub(crate) struct Prediction {
    /// `[rows, K]`
    pub vectors: Tensor,
    pub rows: StudentRows,
}

/// Rows of [`Prediction`], in this order; parts that the model lacks have none. The valid samples of the patch level are last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StudentRows {
    /// Images B.
    pub images: i64,
    /// Local crops L.
    pub crops: i64,
    /// Class tokens: `cls` of g1, g2, then `cls+` of g1, g2; then `cls` of all local crops, then their `cls+`.
    pub class_tokens: i64,
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
    pub fn draw_drops(&self, batch: &MultiCropBatch, seed_and_step: (u64, u64)) -> StudentDrops {
        let shape = batch.shape();
        let rows = [2 * shape.images, shape.local_crops * shape.images];
        let (rate, depth) = (self.config.drop_path_rate, self.config.depth);
        let [globals, locals] = DropPaths::draw(rate, depth, rows, seed_and_step);
        StudentDrops { globals, locals }
    }

    /// The student's view of a batch, and its way back.
    pub fn predict(
        &self,
        pass: Pass,
        loaded: &LoadedBatch,
        drops: &StudentDrops,
    ) -> Result<(Prediction, Tape), UdiError> {
        let maps = loaded.maps.as_ref().filter(|_| self.sampling.is_some());
        let mut views = vec![Views {
            images: &loaded.globals,
            readout: self.readout(),
            drops: drops.globals.as_ref(),
        }];
        views.extend(loaded.locals.as_ref().map(|images| Views {
            images,
            readout: Readout::ClassTokens,
            drops: drops.locals.as_ref(),
        }));
        let (encoded, tape) = pass.watch.time(Phase::StudentBackbone, || {
            self.backbone
                .forward_taped(pass.weights, views, self.keep())
        })?;
        let class = |encoded: &Encoded| token_rows(&encoded.class);
        let mut rows: Vec<Tensor> = encoded.iter().map(class).collect();
        if let Some((maps, globals)) = maps.zip(encoded.first()) {
            let sampled = self.sampled(pass, &globals.patches, &maps.source(pass.device))?;
            rows.extend(sampled.map(|sampled| maps.valid(&sampled)));
        }
        let shape = loaded.batch.shape();
        let prediction = Prediction {
            vectors: self.bottleneck(pass, &rows),
            rows: StudentRows {
                images: shape.images,
                crops: shape.local_crops,
                class_tokens: self.config.class_tokens,
            },
        };
        Ok((prediction, tape))
    }

    /// Gradients of all parameters but the prototypes' from that of the bottleneck vectors, in the order of the parameters.
    pub fn gradients(
        &self,
        weights: &Weights,
        (prediction, tape): (Prediction, Tape),
        vectors: &Tensor,
    ) -> Result<Vec<Option<Tensor>>, UdiError> {
        let learns = |leaf: &&Tensor| leaf.requires_grad();
        let learning: Vec<&Tensor> = weights.tensors().iter().filter(learns).collect();
        let mut after_blocks = learning.clone();
        after_blocks.push(&tape.output);
        // The gradient of this sum at the vectors is the one computed by hand.
        let sum = (&prediction.vectors * vectors).sum(Kind::Float);
        let mut after_blocks = Tensor::run_backward(&[sum], &after_blocks, false, false);
        drop(prediction);
        let output = after_blocks.pop().filter(Tensor::defined);
        let output = output.unwrap_or_else(|| no_grad(|| tape.output.zeros_like()));
        let mut by_hand = HandGradients::none(weights.tensors().len());
        let sum = self
            .backbone
            .backward(weights, tape, &output, &mut by_hand)?;
        let before_blocks = Tensor::run_backward(&[sum], &learning, false, false);
        let mut by_autograd = after_blocks.into_iter().zip(before_blocks);
        let place = |(leaf, by_hand): (&Tensor, Option<Tensor>)| {
            let (after, before) = leaf.requires_grad().then(|| by_autograd.next()).flatten()?;
            by_hand.or_else(|| [after, before].into_iter().find(Tensor::defined))
        };
        let leaves = weights.tensors().iter().zip(by_hand.into_vec());
        Ok(leaves.map(place).collect())
    }

    /// The teacher's view of a batch: its backbone runs once, on the global crops alone.
    pub fn teach(&self, pass: Pass, loaded: &LoadedBatch) -> Result<TeacherVectors, UdiError> {
        let Pass {
            weights,
            device,
            watch,
        } = pass;
        let images = loaded.batch.shape().images;
        let views = [images, 0].map(|first| loaded.globals.narrow(0, first, images));
        let globals = Tensor::cat(&views, 0);
        let encoded = watch.time(Phase::TeacherBackbone, || {
            self.backbone.forward(weights, &globals, self.readout())
        })?;
        let mut rows = vec![encoded.class.select(1, 0)];
        if let Some(maps) = loaded.maps.as_ref() {
            let sampled = self.sampled(pass, &encoded.patches, &maps.target(device))?;
            rows.extend(sampled.map(|sampled| maps.read(&sampled)));
        }
        let vectors = self.bottleneck(pass, &rows);
        let samples = vectors.size()[0] - 2 * images;
        Ok(TeacherVectors {
            class: vectors.narrow(0, 0, 2 * images),
            samples: (rows.len() > 1).then(|| vectors.narrow(0, 2 * images, samples)),
        })
    }

    /// Sampled tokens `[R, S, C]`; None without a patch level.
    fn sampled(
        &self,
        pass: Pass,
        patches: &Option<Tensor>,
        samples: &Samples,
    ) -> Result<Option<Tensor>, UdiError> {
        let sampling = self.sampling.as_ref().zip(patches.as_ref());
        let sampled = sampling.map(|(sampling, patches)| {
            pass.watch.time(Phase::Sampling, || {
                sampling.forward(pass.weights, patches, samples)
            })
        });
        sampled.transpose()
    }

    /// Rows `[.., C]` of several kinds -> bottleneck vectors `[rows, K]`.
    fn bottleneck(&self, pass: Pass, rows: &[Tensor]) -> Tensor {
        pass.watch.time(Phase::Head, || {
            self.head.forward(pass.weights, &Tensor::cat(rows, 0))
        })
    }

    /// Its backbone, to be read with these weights.
    pub fn frozen<'a>(&'a self, weights: &'a Weights, device: Device) -> FrozenBackbone<'a> {
        FrozenBackbone {
            backbone: &self.backbone,
            weights,
            patch_size: self.config.patch_size,
            device,
        }
    }

    /// Class-token features after the final norm: images `[n, 3, H, W]`, normalised -> `[n, C]`, fp32.
    pub fn features(&self, weights: &Weights, images: &Tensor) -> Result<Tensor, UdiError> {
        let encoded = self
            .backbone
            .forward(weights, images, Readout::ClassTokens)?;
        Ok(encoded.class.select(1, 0).to_kind(Kind::Float))
    }

    /// Bottleneck vectors of such features: `[rows, C]` -> `[rows, K]`, fp32.
    pub fn vectors(&self, weights: &Weights, features: &Tensor) -> Tensor {
        self.head.forward(weights, features)
    }

    /// What the student keeps of its blocks for the way back.
    fn keep(&self) -> Keep {
        match self.config.checkpoint_blocks {
            true => Keep::Inputs,
            false => Keep::Everything,
        }
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
