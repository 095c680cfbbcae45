//! Tokens of views of several sizes as one matrix of rows: view by view, image by image, token by token. What a block
//! does token by token it does for all views at once; attention takes each group of views by itself.

use tch::{Kind, Tensor};

/// Views of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    pub images: i64,
    /// Tokens of each image.
    pub tokens: i64,
    /// Of these, how many first ones a block gives back; it computes nothing else that no other token needs.
    pub kept: i64,
}

/// Groups of rows, one below the other.
#[derive(Debug, Clone)]
pub(crate) struct Layout(Vec<Group>);

impl Layout {
    pub fn new(groups: Vec<Group>) -> Self {
        Self(groups)
    }

    pub fn groups(&self) -> &[Group] {
        &self.0
    }

    /// The same rows, all of them kept.
    pub fn whole(&self) -> Self {
        let whole = |group: &Group| Group {
            kept: group.tokens,
            ..*group
        };
        Self(self.0.iter().map(whole).collect())
    }

    /// That of what is kept.
    pub fn after(&self) -> Self {
        let after = |group: &Group| Group {
            tokens: group.kept,
            ..*group
        };
        Self(self.0.iter().map(after).collect())
    }

    /// Rows of all groups.
    pub fn rows(&self) -> i64 {
        self.0.iter().map(|group| group.images * group.tokens).sum()
    }

    /// Rows `[rows, C]` of each group: views of the same memory.
    pub fn cut(&self, rows: &Tensor) -> Vec<Tensor> {
        let counts = self.0.iter().map(|group| group.images * group.tokens);
        // One operation: the gradient of several would be as many tensors of all rows.
        rows.split_with_sizes(counts.collect::<Vec<_>>(), 0)
    }

    /// The same, `[images, tokens, C]`.
    pub fn split(&self, rows: &Tensor) -> Vec<Tensor> {
        let groups = self.cut(rows).into_iter().zip(&self.0);
        groups
            .map(|(part, group)| part.unflatten(0, [group.images, group.tokens]))
            .collect()
    }

    /// The rows that are kept, `[kept rows, ..]`.
    pub fn keep(&self, rows: &Tensor) -> Tensor {
        if self.keeps_all() {
            return rows.shallow_clone();
        }
        let groups = self.split(rows).into_iter().zip(&self.0);
        let kept: Vec<Tensor> = groups
            .map(|(part, group)| part.narrow(1, 0, group.kept).flatten(0, 1))
            .collect();
        Tensor::cat(&kept, 0)
    }

    /// The opposite of [`Self::keep`]: zeros in the other rows.
    pub fn spread(&self, kept: Tensor) -> Tensor {
        if self.keeps_all() {
            return kept;
        }
        let all = Tensor::zeros([self.rows(), kept.size()[1]], (Kind::Float, kept.device()));
        let groups = self.split(&all).into_iter().zip(self.after().split(&kept));
        for ((all, kept), group) in groups.zip(&self.0) {
            all.narrow(1, 0, group.kept).copy_(&kept);
        }
        all
    }

    fn keeps_all(&self) -> bool {
        self.0.iter().all(|group| group.kept == group.tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn what_is_kept_is_put_back_where_it_was() {
        let group = |images, tokens, kept| Group {
            images,
            tokens,
            kept,
        };
        let layout = Layout::new(vec![group(2, 3, 3), group(1, 4, 2)]);
        let rows = Tensor::arange(10, (Kind::Float, Device::Cpu)).view([10, 1]) + 1.0;
        let kept = layout.keep(&rows);
        assert_eq!(kept.size(), [8, 1]);
        let back = Vec::<f32>::try_from(layout.spread(kept).view([10])).unwrap();
        assert_eq!(back, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 0.0, 0.0]);
        assert_eq!(layout.whole().keep(&rows), rows);
    }
}
