//! A bare Vision Transformer: backbone-only files of UDI and DINO, and timm's, whose names are the same and which may
//! have a register token, positions for patches alone, and layer scales.

use std::collections::HashMap;

use super::{Found, Naming, Translated};
use crate::{derived::Derived, error::Flaw, shape::BACKBONE, stored::StoredTensor};

/// Parts of timm's models that ours do not have and that change what a model computes.
const FOREIGN: [&str; 5] = [
    ".q_norm.",
    ".k_norm.",
    "norm_pre.",
    "rope.",
    "register_tokens",
];

/// Names by which a file is timm's own.
const TIMM: [&str; 4] = [
    "reg_token",
    "head.weight",
    "fc_norm.weight",
    "blocks.0.ls1.gamma",
];

/// `prefix` stands before every name.
pub(super) fn translated(found: Found, prefix: &str) -> Result<(Naming, Translated), Flaw> {
    let mut translated = Translated::default();
    let mut bare = HashMap::new();
    let mut order = Vec::new();
    for (name, stored) in found {
        match name.strip_prefix(prefix) {
            Some(rest) => {
                order.push(rest.to_owned());
                bare.insert(rest.to_owned(), stored);
            }
            None => translated.left_out.push(name),
        }
    }
    refuse_foreign(&bare)?;
    let naming = naming(&bare);
    let tokens = class_tokens(&mut bare)?;
    let positions = positions(&mut bare, &tokens, &mut translated.remarks)?;
    for name in order {
        let tensor = match name.as_str() {
            "cls_token" => Some(tokens.clone()),
            "pos_embed" => Some(positions.clone()),
            _ if name.ends_with(".gamma") => None,
            _ => bare
                .get(&name)
                .map(|stored| scaled(&name, stored, &bare))
                .transpose()?,
        };
        if let Some(tensor) = tensor {
            translated.add(format!("{BACKBONE}{name}"), tensor);
        }
    }
    if bare.keys().any(|name| name.ends_with(".gamma")) {
        let remark =
            "layer scales are made part of the layers before them, which computes the same";
        translated.remarks.push(remark.to_owned());
    }
    add_missing_biases(&mut translated);
    Ok((naming, translated))
}

fn refuse_foreign(bare: &HashMap<String, StoredTensor>) -> Result<(), Flaw> {
    let foreign = |name: &&String| {
        FOREIGN
            .iter()
            .any(|part| name.contains(part) || name.starts_with(part.trim_start_matches('.')))
    };
    match bare.keys().find(foreign) {
        Some(name) => Err(Flaw::new(
            name,
            "a plain Vision Transformer",
            "a layer that ours has not",
        )),
        None => Ok(()),
    }
}

fn naming(bare: &HashMap<String, StoredTensor>) -> Naming {
    let tokens = bare.get("cls_token").map(|stored| stored.shape().to_vec());
    match tokens.as_deref() {
        Some([_, 2, _]) => Naming::Udi,
        _ if TIMM.iter().any(|&name| bare.contains_key(name)) => Naming::Timm,
        _ => Naming::Dino,
    }
}

/// `cls_token`, and a register token behind it as the second class token.
fn class_tokens(bare: &mut HashMap<String, StoredTensor>) -> Result<Derived, Flaw> {
    let Some(class) = bare.remove("cls_token") else {
        return Err(Flaw::new("cls_token", "a class token", "none"));
    };
    let [1, tokens, width] = *class.shape() else {
        return Err(Flaw::new(
            "cls_token",
            "[1, tokens, C]",
            format!("{:?}", class.shape()),
        ));
    };
    let Some(register) = bare.remove("reg_token") else {
        return Ok(Derived::Stored(class));
    };
    match *register.shape() {
        [1, 0, _] => Ok(Derived::Stored(class)),
        [1, 1, other] if tokens == 1 && other == width => Ok(Derived::Joined(vec![
            Derived::Stored(class),
            Derived::Stored(register),
        ])),
        _ => {
            let expected = "at most one register token, the second class token of UDI";
            Err(Flaw::new(
                "reg_token",
                expected,
                format!("{:?}", register.shape()),
            ))
        }
    }
}

/// Positions of class tokens and patches; timm may have none for the tokens in front (`no_embed_class`).
fn positions(
    bare: &mut HashMap<String, StoredTensor>,
    tokens: &Derived,
    remarks: &mut Vec<String>,
) -> Result<Derived, Flaw> {
    let Some(stored) = bare.remove("pos_embed") else {
        return Err(Flaw::new("pos_embed", "learned positions", "none"));
    };
    let [1, places, width] = *stored.shape() else {
        return Err(Flaw::new(
            "pos_embed",
            "[1, places, C]",
            format!("{:?}", stored.shape()),
        ));
    };
    let front = tokens.shape().get(1).copied().unwrap_or(0);
    let is_square = |count: usize| count.isqrt().pow(2) == count;
    if places.checked_sub(front).is_some_and(is_square) {
        return Ok(Derived::Stored(stored));
    }
    if !is_square(places) {
        let expected = format!("{front} places and a square grid");
        return Err(Flaw::new("pos_embed", expected, format!("{places} places")));
    }
    remarks.push("positions are for patches alone: those of the class tokens are zeros".to_owned());
    let zeros = Derived::Zeros(vec![1, front, width]);
    Ok(Derived::Joined(vec![zeros, Derived::Stored(stored)]))
}

/// The last layer of a branch, times the layer scale behind it where there is one.
fn scaled(
    name: &str,
    stored: &StoredTensor,
    bare: &HashMap<String, StoredTensor>,
) -> Result<Derived, Flaw> {
    let scales = [(".attn.proj.", ".ls1.gamma"), (".mlp.fc2.", ".ls2.gamma")];
    let gamma = scales.iter().find_map(|(layer, scale)| {
        let (block, _) = name.split_once(layer)?;
        bare.get(&format!("{block}{scale}"))
    });
    match gamma {
        None => Ok(Derived::Stored(stored.clone())),
        Some(factors) if factors.shape() == [stored.shape().first().copied().unwrap_or(0)] => {
            Ok(Derived::Scaled {
                values: stored.clone(),
                factors: factors.clone(),
            })
        }
        Some(factors) => {
            let found = format!("a layer scale of shape {:?}", factors.shape());
            Err(Flaw::new(name, "a layer scale of its rows", found))
        }
    }
}

/// Projections to queries, keys and values may have no bias.
fn add_missing_biases(translated: &mut Translated) {
    let without: Vec<_> = translated
        .tensors
        .iter()
        .filter_map(|(name, weight)| {
            let layer = name.strip_suffix(".attn.qkv.weight")?;
            let bias = format!("{layer}.attn.qkv.bias");
            let missing = !translated.tensors.contains_key(&bias);
            missing.then(|| (bias, weight.shape().first().copied().unwrap_or(0)))
        })
        .collect();
    if !without.is_empty() {
        let remark = "there is no bias of queries, keys and values: zeros are taken";
        translated.remarks.push(remark.to_owned());
    }
    for (name, width) in without {
        translated.add(name, Derived::Zeros(vec![width]));
    }
}
