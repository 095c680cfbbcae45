//! Patch embedding, class tokens, positions, blocks, final norm.
//!
//! Autograd knows tables of the embedding and what follows the blocks. Between them stands a [`Tape`]: blocks and embedding
//! compute their gradients by hand.

use tch::{Kind, Tensor, no_grad};

use super::{
    block::{Block, BlockKept, BlockPass, RowsGradient},
    drop_path::{BlockDrops, DropPaths},
    embedding::{Embedded, Embedding},
    layout::{Group, Layout},
};
use crate::{
    config::ModelConfig,
    error::UdiError,
    layers::{HandGradients, LayerNorm, NextBranch},
    parameters::{Declarations, Weights},
};

/// Which tokens of the last block are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readout {
    /// Class tokens alone: the last block then computes nothing else.
    ClassTokens,
    /// Patch tokens too.
    AllTokens,
}

/// Views of one size that go through the backbone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Views<'a> {
    /// `[B, 3, H, W]`, normalised.
    pub images: &'a Tensor,
    pub readout: Readout,
    pub drops: Option<&'a DropPaths>,
}

/// What a forward pass keeps for the backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// All that the gradient reads again.
    Everything,
    /// The input of each block alone: the rest is computed a second time.
    Inputs,
    /// Nothing: there is no backward pass.
    Nothing,
}

/// What a forward pass gives for views of one size.
#[derive(Debug)]
pub(crate) struct Encoded {
    /// Class tokens after the final norm, `[B, class tokens, C]`.
    pub class: Tensor,
    /// Patch tokens before it, `[B, N, C]`; of [`Readout::AllTokens`] only.
    pub patches: Option<Tensor>,
}

/// The way through the blocks, for [`VisionTransformer::backward`].
#[derive(Debug)]
pub(crate) struct Tape {
    embedded: Vec<Embedded>,
    blocks: Vec<(BlockShape, KeptOf)>,
    /// Rows after the last block, `[rows, C]`: where the graph of all that follows begins.
    pub output: Tensor,
}

/// How rows lie in a block, and what of it is dropped.
#[derive(Debug)]
struct BlockShape {
    layout: Layout,
    drops: Option<BlockDrops>,
}

#[derive(Debug)]
enum KeptOf {
    Everything(Box<BlockKept>),
    Input(Tensor),
}

#[derive(Debug)]
pub(crate) struct VisionTransformer {
    embedding: Embedding,
    blocks: Vec<Block>,
    norm: LayerNorm,
}

impl VisionTransformer {
    pub fn declare(declarations: &mut Declarations, name: &str, config: &ModelConfig) -> Self {
        let at = |part: &str| format!("{name}.{part}");
        Self {
            embedding: Embedding::declare(declarations, name, config),
            blocks: (0..config.depth)
                .map(|index| Block::declare(declarations, &at("blocks"), config, index))
                .collect(),
            norm: LayerNorm::declare(declarations, &at("norm"), config.width),
        }
    }

    /// Class tokens and, where they are wanted, patch tokens of views, without a way back.
    pub fn forward(
        &self,
        weights: &Weights,
        images: &Tensor,
        readout: Readout,
    ) -> Result<Encoded, UdiError> {
        let views = Views {
            images,
            readout,
            drops: None,
        };
        let (encoded, _) = self.forward_taped(weights, [views].into(), Keep::Nothing)?;
        let mut encoded = encoded.into_iter();
        let none = || UdiError::argument("images", "views of one size", "none");
        encoded.next().ok_or_else(none)
    }

    /// Goes through the blocks without a way back. `seen` gets each block's number and its tokens, `[B, tokens, C]`, which
    /// are before the final norm; of the last block those of `readout`.
    pub fn visit(
        &self,
        weights: &Weights,
        images: &Tensor,
        readout: Readout,
        mut seen: impl FnMut(usize, Tensor),
    ) -> Result<(), UdiError> {
        let views = Views {
            images,
            readout,
            drops: None,
        };
        let (mut rows, embedded) = self.embedding.forward(weights, &[images])?;
        let last = self.layout(&[views], &embedded);
        for (index, block) in self.blocks.iter().enumerate() {
            let layout = match index + 1 == self.blocks.len() {
                true => last.clone(),
                false => last.whole(),
            };
            let shape = BlockShape {
                layout,
                drops: None,
            };
            rows = block
                .forward(shape.pass(weights), (rows, None), None)?
                .tokens;
            let tokens = shape.layout.after().split(&rows);
            tokens.into_iter().for_each(|tokens| seen(index, tokens));
        }
        Ok(())
    }

    /// Attention of the last block, `[B, heads, queries, tokens]`, fp32: of the first `queries` tokens, or of all.
    pub fn last_attention(
        &self,
        weights: &Weights,
        images: &Tensor,
        queries: Readout,
    ) -> Result<Tensor, UdiError> {
        let (mut rows, _) = self.embedding.forward(weights, &[images])?;
        let batch = images.size()[0];
        let count = rows.size()[0] / batch.max(1);
        let group = |kept| Group {
            images: batch,
            tokens: count,
            kept,
        };
        let whole = BlockShape {
            layout: Layout::new(vec![group(count)]),
            drops: None,
        };
        let none = || UdiError::argument("depth", "at least one block", "none");
        let (last, before) = self.blocks.split_last().ok_or_else(none)?;
        for block in before {
            rows = block
                .forward(whole.pass(weights), (rows, None), None)?
                .tokens;
        }
        let kept = match queries {
            Readout::AllTokens => count,
            Readout::ClassTokens => self.class_tokens(),
        };
        last.attention_map(weights, &rows, group(kept))
    }

    /// Number of blocks.
    pub fn depth(&self) -> i64 {
        self.blocks.len() as i64
    }

    /// Class tokens in front.
    pub fn class_tokens(&self) -> i64 {
        self.embedding.class_tokens()
    }

    /// Tokens after the final norm.
    pub fn normed(&self, weights: &Weights, tokens: &Tensor) -> Tensor {
        self.norm.forward(weights, tokens)
    }

    /// Views of several sizes at once.
    pub fn forward_taped(
        &self,
        weights: &Weights,
        views: Vec<Views>,
        keep: Keep,
    ) -> Result<(Vec<Encoded>, Tape), UdiError> {
        let images: Vec<&Tensor> = views.iter().map(|views| views.images).collect();
        let (output, embedded) = self.embedding.forward(weights, &images)?;
        let mut tape = Tape {
            output,
            embedded,
            blocks: Vec::with_capacity(self.blocks.len()),
        };
        let last = self.layout(&views, &tape.embedded);
        let drops: Vec<_> = views.iter().map(|views| views.drops).collect();
        no_grad(|| self.through_blocks(weights, (&last, &drops), keep, &mut tape))?;
        let leaf = tape.output.detach();
        tape.output = leaf.set_requires_grad(keep != Keep::Nothing);
        let encoded = last.after().split(&tape.output).into_iter().zip(&views);
        let encoded = encoded.map(|(tokens, views)| self.encoded(weights, &tokens, views.readout));
        Ok((encoded.collect(), tape))
    }

    fn through_blocks(
        &self,
        weights: &Weights,
        (last, draws): (&Layout, &[Option<&DropPaths>]),
        keep: Keep,
        tape: &mut Tape,
    ) -> Result<(), UdiError> {
        let (mut tokens, mut normed) = (tape.output.detach(), None);
        let (whole, depth) = (last.whole(), self.blocks.len());
        let mut drops = BlockDrops::of_blocks(whole.groups(), draws, 0);
        drops.truncate(depth.saturating_sub(1));
        drops.extend(BlockDrops::of_blocks(
            last.groups(),
            draws,
            depth as i64 - 1,
        ));
        let mut drops = drops.into_iter();
        for (index, block) in self.blocks.iter().enumerate() {
            let shape = BlockShape {
                layout: match index + 1 == depth {
                    true => last.clone(),
                    false => whole.clone(),
                },
                drops: drops.next(),
            };
            let input = tokens.shallow_clone();
            let next = self.blocks.get(index + 1);
            let output = block.forward(shape.pass(weights), (tokens, normed), next)?;
            match keep {
                Keep::Everything => {
                    let kept = KeptOf::Everything(Box::new(output.kept));
                    tape.blocks.push((shape, kept));
                }
                Keep::Inputs => tape.blocks.push((shape, KeptOf::Input(input))),
                Keep::Nothing => {}
            }
            (tokens, normed) = (output.tokens, output.normed);
        }
        tape.output = tokens;
        Ok(())
    }

    /// The way back from the gradient of [`Tape::output`]: those of the blocks' parameters go to `gradients`. What is
    /// returned is a sum whose gradient in the graph of the embedding is that of the loss.
    pub fn backward(
        &self,
        weights: &Weights,
        tape: Tape,
        output: &Tensor,
        gradients: &mut HandGradients,
    ) -> Result<Tensor, UdiError> {
        // A block adds to this memory, which may be another's.
        let mut gradient = RowsGradient {
            tokens: no_grad(|| output.to_kind(Kind::Float).copy()),
            mlp: None,
        };
        let (shapes, kept): (Vec<BlockShape>, Vec<KeptOf>) = tape.blocks.into_iter().unzip();
        for (index, (block, kept)) in self.blocks.iter().zip(kept).enumerate().rev() {
            let pass = shapes[index].pass(weights);
            let before = index
                .checked_sub(1)
                .map(|before| shapes[before].pass(weights));
            let next = before.map_or(NextBranch::None, |before| {
                NextBranch::Scaled(before.mlp_drops())
            });
            gradient = no_grad(|| {
                let kept = match kept {
                    KeptOf::Everything(kept) => *kept,
                    KeptOf::Input(tokens) => block.forward(pass, (tokens, None), None)?.kept,
                };
                block.backward(pass, kept, gradient, (next, gradients))
            })?;
        }
        self.embedding
            .backward(weights, tape.embedded, &gradient.tokens, gradients)
    }

    /// Rows of the last block.
    fn layout(&self, views: &[Views], embedded: &[Embedded]) -> Layout {
        let groups = views.iter().zip(embedded).map(|(views, embedded)| Group {
            images: views.images.size()[0],
            tokens: embedded.tokens(),
            kept: match views.readout {
                Readout::AllTokens => embedded.tokens(),
                Readout::ClassTokens => self.class_tokens(),
            },
        });
        Layout::new(groups.collect())
    }

    /// `[B, tokens, C]`, of the last block.
    fn encoded(&self, weights: &Weights, tokens: &Tensor, readout: Readout) -> Encoded {
        let counts = [self.class_tokens(), tokens.size()[1] - self.class_tokens()];
        let mut parts = tokens.split_with_sizes(counts, 1).into_iter();
        let class = parts.next().unwrap_or_default();
        Encoded {
            class: self.norm.forward(weights, &class),
            patches: parts.next().filter(|_| readout == Readout::AllTokens),
        }
    }
}

impl BlockShape {
    fn pass<'a>(&'a self, weights: &'a Weights) -> BlockPass<'a> {
        BlockPass {
            weights,
            layout: &self.layout,
            drops: self.drops.as_ref(),
        }
    }
}
