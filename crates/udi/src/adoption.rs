//! A fresh learner that starts from given weights: what fits is taken, positions are resampled, the rest stays as drawn.

use std::collections::HashMap;

use tch::{Kind, Tensor, no_grad};

use crate::{
    backbone::{grid_side, resample_positions},
    error::{UdiError, expect},
    learner::Learner,
};

/// Values of a parameter from elsewhere, row after row.
#[derive(Debug, Clone)]
pub struct GivenWeights {
    /// Sides.
    pub shape: Vec<i64>,
    /// As many as the sides say.
    pub values: Vec<f32>,
}

/// What became of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopted {
    /// It has the given values.
    Loaded,
    /// Positions: given for another image size, resampled bicubically.
    Resampled,
    /// Class tokens or their positions: there are more or fewer of them than given, and the first ones are taken.
    FirstTokens,
    /// None of that name and shape was given: it is as drawn.
    Fresh,
}

const CLASS_TOKENS: &str = "backbone.backbone.cls_token";
const POSITIONS: &str = "backbone.backbone.pos_embed";

/// Gives student and teacher what fits of the weights, by the names of the public checkpoints. Refused once steps have
/// been made.
pub(crate) fn adopt(
    learner: &mut Learner,
    given: &HashMap<String, GivenWeights>,
) -> Result<Vec<(String, Adopted)>, UdiError> {
    let made = learner.steps;
    let none = || "no step to have been made".to_owned();
    expect(made == 0, "start", none, made)?;
    let given = given
        .iter()
        .map(|(name, given)| Ok((name.as_str(), tensor(name, given)?)))
        .collect::<Result<HashMap<_, _>, UdiError>>()?;
    let front = given
        .get(CLASS_TOKENS)
        .and_then(|tokens| tokens.size().get(1).copied());
    let own_front = learner.config.model.class_tokens;
    let declarations = learner.network.declarations();
    let networks = [&mut learner.student, &mut learner.teacher];
    let mut fates = vec![Adopted::Fresh; declarations.len()];
    for network in networks {
        for (index, own) in network.tensors_mut().iter_mut().enumerate() {
            let name = declarations[index].name.as_str();
            let Some(given) = given.get(name) else {
                continue;
            };
            let (values, fate) = match name {
                CLASS_TOKENS => first_rows(own, given, own_front.min(front.unwrap_or(0))),
                POSITIONS => positions(own, given, own_front, front.unwrap_or(0)),
                _ => (given.shallow_clone(), Adopted::Loaded),
            };
            if values.size() == own.size() {
                no_grad(|| own.copy_(&values));
                fates[index] = fate;
            }
        }
    }
    let names = declarations
        .iter()
        .map(|declaration| declaration.name.clone());
    Ok(names.zip(fates).collect())
}

fn tensor(name: &str, given: &GivenWeights) -> Result<Tensor, UdiError> {
    let GivenWeights { shape, values } = given;
    let count = shape.iter().product::<i64>();
    let wanted = || format!("{count} values of shape {shape:?}");
    expect(values.len() as i64 == count, name, wanted, values.len())?;
    Ok(Tensor::from_slice(values).view(shape.as_slice()))
}

/// `[1, rows, C]`: the first `count` rows from `given`, the others from `own`.
fn first_rows(own: &Tensor, given: &Tensor, count: i64) -> (Tensor, Adopted) {
    let (size, own_size) = (given.size(), own.size());
    if size == own_size {
        return (given.shallow_clone(), Adopted::Loaded);
    }
    // Of another width: nothing of it fits.
    if size.last() != own_size.last() || size.len() != 3 {
        return (given.shallow_clone(), Adopted::Fresh);
    }
    let own = own.to_device(tch::Device::Cpu);
    let rest = own.narrow(1, count, own_size[1] - count);
    (
        Tensor::cat(&[given.narrow(1, 0, count), rest], 1),
        Adopted::FirstTokens,
    )
}

/// Positions of `own_front` class tokens and a grid from those of `front` and another grid.
fn positions(own: &Tensor, given: &Tensor, own_front: i64, front: i64) -> (Tensor, Adopted) {
    let (size, own_size) = (given.size(), own.size());
    let (cells, own_cells) = (size[1] - front, own_size[1] - own_front);
    if size.last() != own_size.last() || size.len() != 3 || cells < 1 {
        return (given.shallow_clone(), Adopted::Fresh);
    }
    let own = own.to_device(tch::Device::Cpu);
    let (tokens, of_tokens) = first_rows(
        &own.narrow(1, 0, own_front),
        &given.narrow(1, 0, front),
        own_front.min(front),
    );
    let side = grid_side(own_cells);
    let grid = given.narrow(1, front, cells).to_kind(Kind::Float);
    let grid = match cells == own_cells {
        true => grid,
        false => resample_positions(&grid, 0, (side, side)),
    };
    let fate = if cells == own_cells {
        of_tokens
    } else {
        Adopted::Resampled
    };
    (Tensor::cat(&[tokens, grid], 1), fate)
}
