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

/// Prefix of the backbone's parameters.
pub const BACKBONE: &str = "backbone.backbone.";
/// Prefix of the sampling attention's parameters, and of the backbone's.
pub(crate) const SAMPLING: &str = "backbone.";
/// Prefix of the head's parameters.
pub(crate) const HEAD: &str = "head.0.";

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
}

fn backbone(tensors: &Named) -> Result<BackboneShape, Flaw> {
    let of = |name: &str| sides(tensors, &format!("{BACKBONE}{name}"));
    let class = of("cls_token")?;
    let Some(&[1, class_tokens @ 1..=2, width]) =
        Some(class.as_slice()).filter(|sides| !sides.contains(&0))
    else {
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
