//! Names of other projects -> ours, which are those of the public UDI checkpoints.

mod timm;
mod wrapped;

use std::{collections::HashSet, fs::File};

use crate::{
    derived::Derived,
    error::Flaw,
    shape::{BACKBONE, ModelShape, Named},
    stored::StoredTensor,
};

/// Whose names a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The state of a learner of this project.
    Native,
    /// The public UDI checkpoints.
    Udi,
    /// DINO: one class token, one level of `backbone.`.
    Dino,
    /// timm.
    Timm,
}

impl Naming {
    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "udi-native",
            Self::Udi => "udi",
            Self::Dino => "dino",
            Self::Timm => "timm",
        }
    }
}

/// A network under our names.
#[derive(Debug)]
pub(crate) struct Mapped {
    pub naming: Naming,
    pub shape: ModelShape,
    /// Exactly the parameters of the shape.
    pub tensors: Named,
    /// Our names of the parameters, in the order of the file.
    pub order: Vec<String>,
    /// What a reader should know: what was left out or made.
    pub remarks: Vec<String>,
}

/// Names a tensor had and where it lies.
pub(crate) type Found = Vec<(String, StoredTensor)>;

/// Prefixes of wrappers that say nothing about the weights.
const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];

/// Names the tensors of one network. Refuses what is no Vision Transformer that this project computes.
pub(crate) fn mapped(found: Found, file: &File) -> Result<Mapped, Flaw> {
    let found: Found = found
        .into_iter()
        .map(|(name, stored)| (unwrapped(&name).to_owned(), stored))
        .collect();
    let prefix = found
        .iter()
        .find_map(|(name, _)| name.strip_suffix("cls_token"));
    let Some(prefix) = prefix.map(str::to_owned) else {
        let names: Vec<_> = found
            .iter()
            .take(3)
            .map(|(name, _)| name.as_str())
            .collect();
        let expected = "a Vision Transformer under the names of UDI, DINO, timm or udi-native";
        let found = format!("no cls_token among {}", names.join(", "));
        return Err(Flaw::new("weights", expected, found));
    };
    let (naming, translated) = match prefix.as_str() {
        BACKBONE => (Naming::Udi, wrapped::translated(found, BACKBONE, file)?),
        "backbone." => (Naming::Dino, wrapped::translated(found, "backbone.", file)?),
        _ => timm::translated(found, &prefix)?,
    };
    finished(naming, translated)
}

/// Parameters under our names, before anyone has asked whether they are all there.
#[derive(Debug, Default)]
struct Translated {
    tensors: Named,
    order: Vec<String>,
    left_out: Vec<String>,
    remarks: Vec<String>,
}

impl Translated {
    fn add(&mut self, name: String, tensor: Derived) {
        self.order.push(name.clone());
        self.tensors.insert(name, tensor);
    }
}

fn finished(naming: Naming, translated: Translated) -> Result<Mapped, Flaw> {
    let Translated {
        mut tensors,
        order,
        mut left_out,
        mut remarks,
    } = translated;
    let shape = ModelShape::of(&tensors)?;
    let parameters = shape.parameters();
    let known: HashSet<&str> = parameters
        .iter()
        .map(|parameter| parameter.name.as_str())
        .collect();
    left_out.extend(
        tensors
            .keys()
            .filter(|name| !known.contains(name.as_str()))
            .cloned(),
    );
    tensors.retain(|name, _| known.contains(name.as_str()));
    if !left_out.is_empty() {
        remarks.push(format!(
            "left out, since the model has no such part: {}",
            listed(&left_out)
        ));
    }
    let order = order
        .into_iter()
        .filter(|name| known.contains(name.as_str()));
    Ok(Mapped {
        naming,
        shape,
        order: order.collect(),
        tensors,
        remarks,
    })
}

/// Some of the names, and how many more there are.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown = names
        .iter()
        .take(SHOWN)
        .map(|name| name.chars().take(80).collect::<String>());
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn unwrapped(name: &str) -> &str {
    let mut rest = name;
    while let Some(inner) = WRAPPERS.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = inner;
    }
    rest
}
