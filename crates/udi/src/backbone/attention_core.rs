//! softmax(q kᵀ / √d) v of all heads and its gradient, never storing the attention where the device has a kernel that
//! does without.

use std::{env, sync::LazyLock};

use tch::{Device, Kind, Tensor, with_grad};
use torch_ext::{
    AttentionGradient, AttentionShape, FusedAttention, attention, attention_backward,
    has_attention, has_cuda_attention,
};

use super::layout::Group;
use crate::{error::UdiError, layers::RowPass};

/// Who computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttentionForm {
    /// This project's kernels, on a CPU those for processors with AVX-512.
    Rows,
    /// libtorch's kernel for the CPU, called as autograd would call it.
    Cpu,
    /// Whichever of its fused operations libtorch chooses for a device, called as autograd would call it.
    Fused,
    /// As autograd does it.
    Graph,
}

/// What the gradient needs beside queries, keys, values and result.
#[derive(Debug)]
pub(super) enum AttentionCore {
    Rows {
        /// `[B heads N]`
        normalisers: Tensor,
    },
    Cpu {
        /// `[B, heads, N]`
        normalisers: Tensor,
    },
    Fused(FusedAttention),
    /// A graph of this one operation, from queries, keys and values to the result.
    Graph {
        leaves: [Tensor; 3],
        output: Tensor,
    },
}

/// Queries, keys and values of the tokens of a group beside each other, and the heads that they are cut into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed<'a> {
    /// `[B N, 3 C]`
    pub rows: &'a Tensor,
    pub group: Group,
    pub heads: i64,
}

impl AttentionForm {
    pub fn on(device: Device, kind: Kind) -> Self {
        match (device, kind) {
            (Device::Cpu, Kind::Float | Kind::BFloat16) if has_attention() => Self::Rows,
            (Device::Cpu, _) => Self::Cpu,
            (Device::Cuda(_), _) => Self::Fused,
            _ => Self::Graph,
        }
    }

    fn takes_rows(self, packed: Packed) -> bool {
        let (device, kind) = (packed.rows.device(), packed.rows.kind());
        let has_kernel = || has_cuda_attention(device, kind, packed.shape());
        self == Self::Rows || self == Self::Fused && prefers_own_kernels() && has_kernel()
    }
}

/// `UDI_CUDA_ATTENTION=own`: kernels of this project where libtorch's would serve. They have not run on a GPU yet; see
/// bench/README.md.
fn prefers_own_kernels() -> bool {
    static OWN: LazyLock<bool> =
        LazyLock::new(|| env::var_os("UDI_CUDA_ATTENTION").is_some_and(|value| value == "own"));
    *OWN
}

impl AttentionCore {
    /// Writes the result to `output`, `[B kept, C]`.
    pub fn forward(
        form: AttentionForm,
        packed: Packed,
        output: &mut Tensor,
    ) -> Result<Self, UdiError> {
        if form.takes_rows(packed) {
            let normalisers = attention(packed.rows, output, packed.shape())?;
            return Ok(Self::Rows { normalisers });
        }
        let parts = packed.split();
        let (result, core) = match form {
            AttentionForm::Cpu => {
                let [query, key, value] = &parts;
                let (result, normalisers) =
                    Tensor::internal_scaled_dot_product_flash_attention_for_cpu::<Tensor>(
                        query, key, value, 0.0, false, None, None,
                    );
                (result, Self::Cpu { normalisers })
            }
            AttentionForm::Fused => match FusedAttention::forward(parts.each_ref())? {
                Some((output, fused)) => (output, Self::Fused(fused)),
                None => Self::graph(parts),
            },
            _ => Self::graph(parts),
        };
        output.copy_(&join_heads(&result).flatten(0, 1));
        Ok(core)
    }

    fn graph(parts: [Tensor; 3]) -> (Tensor, Self) {
        let leaves = parts.map(|part| part.detach().set_requires_grad(true));
        let output = with_grad(|| attend(&leaves[0], &leaves[1], &leaves[2]));
        (output.detach(), Self::Graph { leaves, output })
    }

    /// Writes the gradient of queries, keys and values to `received`, `[B N, 3 C]`, from that of the output, `[B kept, C]`. Returns
    /// the sum of its rows, fp32.
    pub fn backward(
        self,
        packed: Packed,
        (output, gradient): (&Tensor, &Tensor),
        received: &mut Tensor,
    ) -> Result<Tensor, UdiError> {
        let passes = RowPass::on(received.device(), received.kind());
        let parts = match self {
            Self::Rows { normalisers } => {
                let of = AttentionGradient {
                    packed: packed.rows,
                    normalisers: &normalisers,
                    output,
                    gradient,
                };
                attention_backward(of, received, packed.shape())?;
                return passes.column_sums(received);
            }
            Self::Cpu { normalisers } => {
                let [query, key, value] = packed.split();
                let (query, key, value) =
                    Tensor::internal_scaled_dot_product_flash_attention_for_cpu_backward::<Tensor>(
                        &packed.of_queries(gradient),
                        &query,
                        &key,
                        &value,
                        &packed.of_queries(output),
                        &normalisers,
                        0.0,
                        false,
                        None,
                        None,
                    );
                [query, key, value]
            }
            Self::Fused(fused) => {
                let parts = packed.split();
                let output = (&packed.of_queries(output), &packed.of_queries(gradient));
                fused.backward(output, parts.each_ref())?
            }
            Self::Graph { leaves, output } => {
                // The gradient of this sum at the output is the one given.
                let gradient = packed.of_queries(gradient);
                let sum = with_grad(|| (&output * gradient).sum(Kind::Float));
                let leaves = leaves.each_ref();
                let mut parts = Tensor::run_backward(&[sum], &leaves, false, false).into_iter();
                std::array::from_fn(|_| parts.next().unwrap_or_default())
            }
        };
        if packed.group.kept == packed.group.tokens {
            let rows = parts.map(|part| join_heads(&part).flatten(0, 1).contiguous());
            return passes.join_columns(rows.each_ref(), received);
        }
        // Tokens that asked nothing have queries without a gradient.
        let _ = received.zero_();
        let into = Packed {
            rows: received,
            ..packed
        };
        for (mut into, part) in into.split().into_iter().zip(parts) {
            into.copy_(&part);
        }
        passes.column_sums(received)
    }
}

impl Packed<'_> {
    /// Queries of the tokens that are kept, keys and values of all: `[B, heads, tokens, d]`, views of the same memory.
    fn split(self) -> [Tensor; 3] {
        let grouped = [self.group.images, self.group.tokens];
        let [query, key, value] = split_heads(&self.rows.unflatten(0, grouped), self.heads);
        [query.narrow(2, 0, self.group.kept), key, value]
    }

    /// softmax(q kᵀ / √d), stored: `[B, heads, kept, tokens]`, fp32.
    pub fn map(self) -> Tensor {
        let [query, key, _] = self.split();
        let width = query.size()[3] as f64;
        let scores = query.matmul(&key.transpose(2, 3)).to_kind(Kind::Float);
        (scores / width.sqrt()).softmax(-1, Kind::Float)
    }

    /// `[B kept, C]` -> `[B, heads, kept, d]`
    fn of_queries(self, rows: &Tensor) -> Tensor {
        let grouped = [self.group.images, self.group.kept];
        let [rows] = split_heads(&rows.unflatten(0, grouped), self.heads);
        rows
    }

    fn shape(self) -> AttentionShape {
        AttentionShape {
            images: self.group.images as usize,
            tokens: self.group.tokens as usize,
            queries: self.group.kept as usize,
            heads: self.heads as usize,
            width: self.rows.size()[1] as usize / 3,
        }
    }
}

/// softmax(q kᵀ / √d) v; autograd goes through it.
pub(crate) fn attend(query: &Tensor, key: &Tensor, value: &Tensor) -> Tensor {
    Tensor::scaled_dot_product_attention::<Tensor>(query, key, value, None, 0.0, false, None, false)
}

/// `[B, N, PARTS C]` -> `PARTS` tensors `[B, heads, N, C / heads]`, all views of the same memory.
pub(crate) fn split_heads<const PARTS: usize>(packed: &Tensor, heads: i64) -> [Tensor; PARTS] {
    let size = packed.size();
    let (batch, tokens) = (size[0], size[1]);
    let parts = packed
        .view([batch, tokens, PARTS as i64, heads, -1])
        .permute([2, 0, 3, 1, 4]);
    // One `unbind`, not a `select` for each part: its gradient is one copy, that of a `select` a whole tensor of zeros.
    let mut parts = parts.unbind(0).into_iter();
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// `[B, heads, N, C / heads]` -> `[B, N, C]`
pub(crate) fn join_heads(attended: &Tensor) -> Tensor {
    attended.transpose(1, 2).flatten(2, -1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tch::no_grad;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn all_forms_compute_the_same(images in 1..4i64, tokens in 2..30i64, head in 1..20i64, all in any::<bool>()) {
            let group = Group { images, tokens, kept: if all { tokens } else { 2 } };
            let (heads, width) = (3, 3 * head);
            let random = |rows: i64, width: i64| Tensor::randn([rows, width], (Kind::Float, Device::Cpu));
            let (rows, gradient) = (random(images * tokens, 3 * width), random(images * group.kept, width));
            let packed = Packed { rows: &rows, group, heads };
            let run = |form: AttentionForm| {
                let (mut output, mut received) = (gradient.zeros_like(), rows.zeros_like());
                let sums = no_grad(|| {
                    let core = AttentionCore::forward(form, packed, &mut output).unwrap();
                    core.backward(packed, (&output, &gradient), &mut received).unwrap()
                });
                [output, received, sums]
            };
            let expected = run(AttentionForm::Graph);
            for form in [AttentionForm::Cpu, AttentionForm::on(Device::Cpu, Kind::Float)] {
                for (received, expected) in run(form).iter().zip(&expected) {
                    let distance = (received - expected).abs().max().double_value(&[]);
                    prop_assert!(distance < 5e-5, "{form:?}: {distance}");
                }
            }
        }
    }
}
