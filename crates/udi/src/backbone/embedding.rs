//! Views to the tokens of the first block: patches, class tokens, positions.
//!
//! What all images of a view share, a table of class tokens and positions, has a graph; all that grows with the images has its
//! gradient by hand.

use std::cell::RefCell;

use tch::{Device, Kind, Tensor, no_grad};

use super::{
    patch_embedding::PatchEmbedding,
    position_embedding::{grid_side, resampling},
};
use crate::{
    config::ModelConfig,
    error::UdiError,
    layers::{HandGradients, RowPass},
    parameters::{Declarations, Initial, ParamId, Role, Weights},
};

#[derive(Debug)]
pub(crate) struct Embedding {
    class_token: ParamId,
    positions: ParamId,
    patches: PatchEmbedding,
    class_tokens: i64,
    /// Matrices that resample stored positions to other grids, each made once.
    resamplings: RefCell<Vec<(Grid, Tensor)>>,
}

/// Rows and columns of stored positions and of those asked for, and where.
type Grid = (i64, (i64, i64), Device);

/// What [`Embedding::backward`] reads of views of one size.
#[derive(Debug)]
pub(crate) struct Embedded {
    /// `[tokens, C]`, fp32, with its graph.
    table: Tensor,
    /// `[B N, 3 patch²]`
    patches: Tensor,
}

impl Embedded {
    /// Tokens of each image.
    pub fn tokens(&self) -> i64 {
        self.table.size()[0]
    }
}

impl Embedding {
    pub fn declare(declarations: &mut Declarations, name: &str, config: &ModelConfig) -> Self {
        let at = |part: &str| format!("{name}.{part}");
        let (width, class_tokens) = (config.width, config.class_tokens);
        let normal = Initial::TruncatedNormal(0.02);
        let places = class_tokens + config.tokens(config.image_size);
        let mut table = |part: &str, rows: i64| {
            declarations.add(&at(part), &[1, rows, width], normal, Role::Plain)
        };
        let class_token = table("cls_token", class_tokens);
        let positions = table("pos_embed", places);
        let proj = at("patch_embed.proj");
        Self {
            class_token,
            positions,
            patches: PatchEmbedding::declare(declarations, &proj, config.patch_size, width),
            class_tokens,
            resamplings: RefCell::default(),
        }
    }

    /// Class tokens in front.
    pub fn class_tokens(&self) -> i64 {
        self.class_tokens
    }

    /// Tokens of views, one size below the other, `[rows, C]`, fp32: outside any graph but that of the tables.
    pub fn forward(
        &self,
        weights: &Weights,
        views: &[&Tensor],
    ) -> Result<(Tensor, Vec<Embedded>), UdiError> {
        let embed = |images: &&Tensor| {
            let table = self.table(weights, self.patches.grid(images));
            let patches = no_grad(|| self.patches.patches(images, weights.kind()))?;
            Ok::<_, UdiError>(Embedded { table, patches })
        };
        let embedded = views.iter().map(embed).collect::<Result<Vec<_>, _>>()?;
        let counts = views.iter().zip(&embedded);
        let counts: Vec<i64> = counts
            .map(|(images, embedded)| images.size()[0] * embedded.tokens())
            .collect();
        let (token, kind) = (weights.get(self.class_token), Kind::Float);
        let size = [counts.iter().sum(), token.size()[2]];
        let rows = Tensor::empty(size, (kind, token.device()));
        let pass = RowPass::on(token.device(), weights.kind());
        let parts = rows.split_with_sizes(&counts, 0);
        no_grad(|| {
            for (embedded, mut part) in embedded.iter().zip(parts) {
                let products = self.patches.forward(weights, &embedded.patches);
                let table = (&embedded.table.detach(), self.class_tokens);
                pass.embed(&products, table, &mut part)?;
            }
            Ok::<_, UdiError>(())
        })?;
        Ok((rows, embedded))
    }

    /// From the gradient of the tokens: those of the patches' parameters go to `gradients`. What is returned is a sum whose
    /// gradient in the graph of the tables is that of the loss.
    pub fn backward(
        &self,
        weights: &Weights,
        embedded: Vec<Embedded>,
        gradient: &Tensor,
        gradients: &mut HandGradients,
    ) -> Result<Tensor, UdiError> {
        let pass = RowPass::on(gradient.device(), weights.kind());
        let tables = RowPass::on(gradient.device(), Kind::Float);
        let (mut sums, mut first) = (Vec::with_capacity(embedded.len()), 0);
        for Embedded { table, patches } in embedded {
            let (tokens, width) = table.size2()?;
            let images = patches.size()[0] / (tokens - self.class_tokens);
            let part = gradient.narrow(0, first, images * tokens);
            first += images * tokens;
            let of_table = no_grad(|| {
                let of_patches =
                    pass.patch_gradient(&part, (self.class_tokens, tokens), weights.kind())?;
                self.patches
                    .backward(weights, &patches, &of_patches, gradients);
                tables.column_sums(&part.view([images, tokens * width]))
            })?;
            sums.push((table * of_table.view([tokens, width])).sum(Kind::Float));
        }
        Ok(Tensor::stack(&sums, 0).sum(Kind::Float))
    }

    /// Class tokens and positions of a grid, `[class tokens + N, C]`, fp32.
    fn table(&self, weights: &Weights, grid: (i64, i64)) -> Tensor {
        let positions = weights.get(self.positions).squeeze_dim(0);
        let class = weights.get(self.class_token).squeeze_dim(0);
        let (prefix, count) = (self.class_tokens, positions.size()[0] - self.class_tokens);
        let class = class + positions.narrow(0, 0, prefix);
        let stored = positions.narrow(0, prefix, count);
        let side = grid_side(count);
        let patches = match grid == (side, side) {
            true => stored,
            false => self.resampling((side, grid, stored.device())).mm(&stored),
        };
        Tensor::cat(&[class, patches], 0)
    }

    fn resampling(&self, grid: Grid) -> Tensor {
        let mut known = self.resamplings.borrow_mut();
        if let Some((_, matrix)) = known.iter().find(|(other, _)| *other == grid) {
            return matrix.shallow_clone();
        }
        let matrix = no_grad(|| resampling(grid.0, grid.1, grid.2));
        known.push((grid, matrix.shallow_clone()));
        matrix
    }
}
