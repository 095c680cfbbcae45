//! A backbone with its head, as UDI and DINO train them.

use std::fs::File;

use super::{Found, Translated};
use crate::{derived::Derived, error::Flaw, shape::BACKBONE, stored::StoredTensor};

/// `prefix`: that of the Vision Transformer's own parameters.
pub(super) fn translated(found: Found, prefix: &str, file: &File) -> Result<Translated, Flaw> {
    let mut translated = Translated::default();
    let mut copies: Vec<(String, String, StoredTensor)> = Vec::new();
    for (name, stored) in found {
        match place(&name, prefix) {
            Place::Ours(ours) => translated.add(ours, Derived::Stored(stored)),
            Place::Copy(ours) => copies.push((name, ours, stored)),
            Place::Counter => (),
            Place::None => translated.left_out.push(name),
        }
    }
    for (name, ours, stored) in &copies {
        require_shared(name, stored, translated.tensors.get(ours), file)?;
    }
    Ok(translated)
}

/// Where a parameter belongs.
enum Place {
    Ours(String),
    /// The head of another level: the same head under another number.
    Copy(String),
    /// Batches that a BatchNorm has seen: its momentum is fixed, so nobody reads it.
    Counter,
    None,
}

fn place(name: &str, prefix: &str) -> Place {
    if name.ends_with(".num_batches_tracked") {
        return Place::Counter;
    }
    if let Some(rest) = name.strip_prefix(prefix) {
        return Place::Ours(format!("{BACKBONE}{rest}"));
    }
    if name.starts_with("backbone.") {
        return Place::Ours(name.to_owned());
    }
    let Some(rest) = name.strip_prefix("head.") else {
        return Place::None;
    };
    let (number, rest) = match rest.split_once('.') {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => (number, rest),
        _ => ("0", rest),
    };
    let ours = format!("head.0.{}", prototypes(rest));
    match number {
        "0" => Place::Ours(ours),
        _ => Place::Copy(ours),
    }
}

/// Newer versions of torch write weight normalisation as a parametrisation.
fn prototypes(name: &str) -> String {
    name.replace(
        "last_layer.parametrizations.weight.original0",
        "last_layer.weight_g",
    )
    .replace(
        "last_layer.parametrizations.weight.original1",
        "last_layer.weight_v",
    )
}

/// One head serves all levels: in a torch file it is one storage under several names.
fn require_shared(
    name: &str,
    stored: &StoredTensor,
    first: Option<&Derived>,
    file: &File,
) -> Result<(), Flaw> {
    let same = match first {
        Some(Derived::Stored(shared)) if shared == stored => true,
        Some(Derived::Stored(shared)) if shared.shape() == stored.shape() => {
            shared.bytes(name, file)? == stored.bytes(name, file)?
        }
        _ => false,
    };
    match same {
        true => Ok(()),
        false => Err(Flaw::new(
            name,
            "the head that all levels share",
            "another one",
        )),
    }
}
