//! The shape of a model, told from the shapes of its parameters, and the parameters that such a model has.

use std::collections::BTreeMap;

use crate::{derived::Derived, error::Flaw};

/// A Vision Transformer. Heads leave no trace in the shapes of its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackboneShape {
    /// Embedding dimension C.
    pub width: usize,
    /// Blocks.
    pub depth: usize,
    /// Width of the hidden layer of a block's MLP.
    pub mlp_width: usize,
    /// Side of a patch in pixels.
    pub patch_size: usize,
    /// Side in pixels of the image for which positions are stored.
    pub image_size: usize,
    /// Class tokens in front.
    pub class_tokens: usize,
}

/// A projection head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadShape {
    /// Prototypes D.
    pub prototypes: usize,
    /// Width of the two hidden layers.
    pub hidden_width: usize,
    /// Width of the vectors compared with the prototypes.
    pub bottleneck_width: usize,
    /// BatchNorm after the hidden layers.
    pub batch_norm: bool,
}

/// A network, as far as a file holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelShape {
    /// Always there.
    pub backbone: BackboneShape,
    /// Whether the sampling attention of the patch level is there.
    pub sampling: bool,
    /// None: the file holds no head.
    pub head: Option<HeadShape>,
}

/// Part of a network that a parameter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The Vision Transformer.
    Backbone,
    /// The sampling attention.
    Sampling,
    /// Projection head and prototypes.
    Head,
}

/// A parameter that a model of some shape has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Our name, that of the public checkpoints.
    pub name: String,
    /// Sides.
    pub shape: Vec<usize>,
    /// False: statistics of a BatchNorm.
    pub learns: bool,
}

/// Prefix of the backbone's parameters.
pub const BACKBONE: &str = "backbone.backbone.";
/// Prefix of the sampling attention's parameters, and of the backbone's.
const SAMPLING: &str = "backbone.";
/// Prefix of the head's parameters.
const HEAD: &str = "head.0.";

impl Part {
    /// The part that a parameter of this name belongs to.
    pub fn of(name: &str) -> Self {
        match name {
            _ if name.starts_with(BACKBONE) => Self::Backbone,
            _ if name.starts_with(SAMPLING) => Self::Sampling,
            _ => Self::Head,
        }
    }

    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backbone => "backbone",
            Self::Sampling => "sampling",
            Self::Head => "head",
        }
    }
}

/// Parameters by our names.
pub(crate) type Named = BTreeMap<String, Derived>;

impl ModelShape {
    /// Told from parameters. Refuses what is not a whole model.
    pub(crate) fn of(tensors: &Named) -> Result<Self, Flaw> {
        let shape = Self {
            backbone: backbone(tensors)?,
            sampling: tensors.keys().any(|name| Part::of(name) == Part::Sampling),
            head: head(tensors)?,
        };
        for parameter in shape.parameters() {
            let found = sides(tensors, &parameter.name)?;
            if found != parameter.shape {
                let expected = format!("shape {:?}", parameter.shape);
                return Err(Flaw::new(parameter.name, expected, format!("{found:?}")));
            }
        }
        Ok(shape)
    }

    /// All parameters in the order in which the engine declares them.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut list = List::default();
        self.list_backbone(&mut list);
        if self.sampling {
            self.list_sampling(&mut list);
        }
        if let Some(head) = self.head {
            self.list_head(&mut list, head);
        }
        list.0
    }

    fn list_backbone(&self, list: &mut List) {
        let BackboneShape {
            width,
            depth,
            mlp_width,
            patch_size,
            image_size,
            class_tokens,
        } = self.backbone;
        let places = class_tokens + (image_size / patch_size).pow(2);
        list.add(&format!("{BACKBONE}cls_token"), &[1, class_tokens, width]);
        list.add(&format!("{BACKBONE}pos_embed"), &[1, places, width]);
        let kernel = [width, 3, patch_size, patch_size];
        list.add(&format!("{BACKBONE}patch_embed.proj.weight"), &kernel);
        list.add(&format!("{BACKBONE}patch_embed.proj.bias"), &[width]);
        for block in 0..depth {
            let at = |part: &str| format!("{BACKBONE}blocks.{block}.{part}");
            list.norm(&at("norm1"), width);
            list.linear(&at("attn.qkv"), [width, 3 * width]);
            list.linear(&at("attn.proj"), [width, width]);
            list.norm(&at("norm2"), width);
            list.linear(&at("mlp.fc1"), [width, mlp_width]);
            list.linear(&at("mlp.fc2"), [mlp_width, width]);
        }
        list.norm(&format!("{BACKBONE}norm"), width);
    }

    fn list_sampling(&self, list: &mut List) {
        let width = self.backbone.width;
        list.linear(&format!("{SAMPLING}attn.qkv"), [width, 3 * width]);
        list.linear(&format!("{SAMPLING}attn.proj"), [width, width]);
        list.norm(&format!("{SAMPLING}attn.norm"), width);
        list.norm(&format!("{SAMPLING}norm1"), width);
    }

    fn list_head(&self, list: &mut List, head: HeadShape) {
        let hidden = head.hidden_width;
        let layers = if head.batch_norm { 3 } else { 2 };
        for (index, inputs) in [self.backbone.width, hidden].into_iter().enumerate() {
            let first = index * layers;
            list.linear(&format!("{HEAD}mlp.{first}"), [inputs, hidden]);
            if head.batch_norm {
                let norm = format!("{HEAD}mlp.{}", first + 1);
                list.norm(&norm, hidden);
                list.buffer(&format!("{norm}.running_mean"), hidden);
                list.buffer(&format!("{norm}.running_var"), hidden);
            }
        }
        let last = format!("{HEAD}mlp.{}", 2 * layers);
        list.linear(&last, [hidden, head.bottleneck_width]);
        list.add(&format!("{HEAD}last_layer.weight_g"), &[head.prototypes, 1]);
        let directions = [head.prototypes, head.bottleneck_width];
        list.add(&format!("{HEAD}last_layer.weight_v"), &directions);
    }
}

/// Parameters while they are listed.
#[derive(Default)]
struct List(Vec<Parameter>);

impl List {
    fn add(&mut self, name: &str, shape: &[usize]) {
        self.0.push(Parameter {
            name: name.to_owned(),
            shape: shape.to_vec(),
            learns: true,
        });
    }

    /// A linear layer from so many inputs to so many outputs.
    fn linear(&mut self, name: &str, [inputs, outputs]: [usize; 2]) {
        self.add(&format!("{name}.weight"), &[outputs, inputs]);
        self.add(&format!("{name}.bias"), &[outputs]);
    }

    fn norm(&mut self, name: &str, width: usize) {
        self.add(&format!("{name}.weight"), &[width]);
        self.add(&format!("{name}.bias"), &[width]);
    }

    fn buffer(&mut self, name: &str, width: usize) {
        self.0.push(Parameter {
            name: name.to_owned(),
            shape: vec![width],
            learns: false,
        });
    }
}

fn backbone(tensors: &Named) -> Result<BackboneShape, Flaw> {
    let of = |name: &str| sides(tensors, &format!("{BACKBONE}{name}"));
    let class = of("cls_token")?;
    let &[1, class_tokens @ 1..=2, width] = class.as_slice() else {
        let name = format!("{BACKBONE}cls_token");
        return Err(Flaw::new(name, "[1, 1 or 2, C]", format!("{class:?}")));
    };
    let kernel = of("patch_embed.proj.weight")?;
    let patch_size = kernel.get(3).copied().unwrap_or(0);
    let places = of("pos_embed")?.get(1).copied().unwrap_or(0);
    let grid = places.saturating_sub(class_tokens).isqrt();
    let hidden = of("blocks.0.mlp.fc1.weight")?;
    let depth = (0..tensors.len()).find(|block| {
        let name = format!("{BACKBONE}blocks.{block}.norm1.weight");
        !tensors.contains_key(&name)
    });
    let image_size = grid.checked_mul(patch_size).filter(|&size| size > 0);
    let Some(image_size) = image_size.filter(|&size| size < 1 << 24) else {
        let found = format!("{places} positions, patches of {patch_size} pixels");
        return Err(Flaw::new("positions", "a grid of patches", found));
    };
    Ok(BackboneShape {
        width,
        depth: depth.unwrap_or(0),
        mlp_width: hidden.first().copied().unwrap_or(0),
        patch_size,
        image_size,
        class_tokens,
    })
}

fn head(tensors: &Named) -> Result<Option<HeadShape>, Flaw> {
    if !tensors.keys().any(|name| Part::of(name) == Part::Head) {
        return Ok(None);
    }
    let hidden = sides(tensors, &format!("{HEAD}mlp.0.weight"))?;
    let prototypes = sides(tensors, &format!("{HEAD}last_layer.weight_v"))?;
    let &[prototypes, bottleneck_width] = prototypes.as_slice() else {
        let name = format!("{HEAD}last_layer.weight_v");
        return Err(Flaw::new(name, "[D, K]", format!("{prototypes:?}")));
    };
    Ok(Some(HeadShape {
        prototypes,
        hidden_width: hidden.first().copied().unwrap_or(0),
        bottleneck_width,
        batch_norm: tensors.contains_key(&format!("{HEAD}mlp.1.weight")),
    }))
}

fn sides(tensors: &Named, name: &str) -> Result<Vec<usize>, Flaw> {
    let tensor = tensors.get(name);
    tensor
        .map(Derived::shape)
        .ok_or_else(|| Flaw::new(name, "a parameter of this name", "none"))
}
