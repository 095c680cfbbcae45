//! Targets, loss and centres (spec/method.md section 5).

mod centers;
mod prototype_loss;
mod softmax_pass;
mod targets;
mod terms;

pub(crate) use centers::Centers;
pub(crate) use prototype_loss::{Loss, PrototypeLoss, Whole};
pub(crate) use softmax_pass::SoftmaxPass;
pub(crate) use targets::Targets;
pub(crate) use terms::{Level, Term, level_losses, levels};

#[cfg(test)]
mod tests;
