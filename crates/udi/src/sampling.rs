//! Stratified random sampling (SRS): attention whose queries are sampled tokens (spec/method.md section 3).
//!
//! Maps are gathers: one token of the student's crop, or four bilinear neighbours of the teacher's. A row that
//! holds no sample has weight 0; what is computed for it is meaningless and never read.

use tch::{Kind, Tensor};
use torch_ext::without_cuda_kernels;

use crate::{
    backbone::{attend, join_heads, split_heads},
    config::ModelConfig,
    error::UdiError,
    layers::{LayerNorm, Linear},
    parameters::{Declarations, Weights},
};

/// Sampled positions as a weighted sum of tokens; on the device of the tokens they pick from.
#[derive(Debug)]
pub(crate) struct Samples {
    /// Places in the flattened `[R * N]` tokens of R crops, `[R * S * neighbours]`.
    pub places: Tensor,
    /// `[R, S, neighbours]`, fp32; None: the one neighbour of each sample has weight 1.
    pub weights: Option<Tensor>,
    /// Samples S of each crop.
    pub count: i64,
}

impl Samples {
    /// `[R, N, C]` -> `[R, S, C]`
    fn pick(&self, tokens: &Tensor) -> Result<Tensor, UdiError> {
        let size = tokens.size();
        let shape = [size[0], self.count, size[2]];
        if let Some(weights) = self.weights.as_ref().filter(|_| !tokens.requires_grad())
            && without_cuda_kernels(tokens.device()).is_none()
        {
            let rows = tokens.contiguous().flatten(0, 1);
            let weights = weights.flatten(0, 1);
            return Ok(torch_ext::weighted_rows(&rows, &self.places, &weights)?.view(shape));
        }
        let picked = tokens.flatten(0, 1).index_select(0, &self.places);
        Ok(match &self.weights {
            None => picked.view(shape),
            Some(weights) => {
                let neighbours = picked.view([size[0], self.count, -1, size[2]]);
                (neighbours * weights.unsqueeze(-1)).sum_dim_intlist(-2, false, Kind::Float)
            }
        })
    }

    /// Sum of each sample's weights, `[R, S, 1]`, or None where all are 1.
    fn mass(&self) -> Option<Tensor> {
        let weights = self.weights.as_ref()?;
        Some(weights.sum_dim_intlist(-1, true, Kind::Float))
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct SampledAttention {
    norm: LayerNorm,
    qkv: Linear,
    projection: Linear,
    output_norm: LayerNorm,
    heads: i64,
    width: i64,
}

impl SampledAttention {
    /// Names and order are those of the public checkpoints: the norm before the attention stands beside it, last.
    pub fn declare(declarations: &mut Declarations, name: &str, config: &ModelConfig) -> Self {
        let (width, at) = (config.width, |part: &str| format!("{name}.{part}"));
        let qkv = Linear::declare(declarations, &at("attn.qkv"), width, 3 * width);
        let projection = Linear::declare(declarations, &at("attn.proj"), width, width);
        let output_norm = LayerNorm::declare(declarations, &at("attn.norm"), width);
        Self {
            norm: LayerNorm::declare(declarations, &at("norm1"), width),
            qkv,
            projection,
            output_norm,
            heads: config.srs_heads,
            width,
        }
    }

    /// Patch tokens of the last block `[R, N, C]` -> sampled tokens `[R, S, C]`, fp32.
    pub fn forward(
        &self,
        weights: &Weights,
        patches: &Tensor,
        samples: &Samples,
    ) -> Result<Tensor, UdiError> {
        let tokens = self.norm.forward(weights, patches);
        let picked = samples.pick(&tokens)?;
        let query = self.query(weights, &picked, samples);
        let packed = self
            .qkv
            .forward_part(weights, &tokens, (self.width, 2 * self.width));
        let [query] = split_heads(&query, self.heads);
        let [key, value] = split_heads(&packed, self.heads);
        let attended = join_heads(&attend(&query, &key, &value));
        let output = self.projection.forward(weights, &attended);
        Ok(self.output_norm.forward(weights, &(output + picked)))
    }

    /// Sampled queries: a weighted sum of queries is the query of the weighted sum, its bias weighted too.
    fn query(&self, weights: &Weights, picked: &Tensor, samples: &Samples) -> Tensor {
        let part = (0, self.width);
        let Some(mass) = samples.mass() else {
            return self.qkv.forward_part(weights, picked, part);
        };
        let (weight, bias) = self.qkv.part(weights, part);
        let product = picked
            .to_kind(weights.kind())
            .linear::<Tensor>(&weight, None);
        product + mass.to_kind(weights.kind()) * bias
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::HeadConfig,
        parameters::{Declaration, Parameters},
    };
    use proptest::prelude::*;
    use tch::Device;

    const WIDTH: i64 = 12;
    const HEADS: i64 = 3;

    fn config() -> ModelConfig {
        ModelConfig {
            width: WIDTH,
            depth: 1,
            heads: 2,
            mlp_ratio: 2.0,
            patch_size: 4,
            image_size: 16,
            class_tokens: 2,
            include_patch: true,
            srs_heads: HEADS,
            drop_path_rate: 0.0,
            checkpoint_blocks: false,
            head: HeadConfig {
                prototypes: 4,
                hidden_width: 4,
                bottleneck_width: 4,
                batch_norm: false,
                norm_last_layer: false,
            },
        }
    }

    /// Which samples of a batch are valid.
    #[derive(Debug, Clone, Copy)]
    enum Valid {
        None,
        Some,
        All,
    }

    #[derive(Debug, Clone)]
    struct Shape {
        crops: i64,
        tokens: i64,
        samples: i64,
        neighbours: i64,
        valid: Valid,
    }

    fn shapes() -> impl Strategy<Value = Shape> {
        let neighbours = prop::sample::select(vec![1i64, 4]);
        let valid = prop::sample::select(vec![Valid::None, Valid::Some, Valid::All]);
        (1..4i64, 1..10i64, 1..6i64, neighbours, valid).prop_map(
            |(crops, tokens, samples, neighbours, valid)| Shape {
                crops,
                tokens,
                samples,
                neighbours,
                valid,
            },
        )
    }

    struct Problem {
        declarations: Vec<Declaration>,
        layer: SampledAttention,
        leaves: Weights,
        patches: Tensor,
        /// `[R, S, N]`: the rows of those that are not valid are zero.
        map: Tensor,
        samples: Samples,
        /// `[R, S, 1]`: 0 or 1.
        valid: Tensor,
        loss: Tensor,
    }

    impl Problem {
        fn new(shape: &Shape, seed: i64) -> Self {
            tch::manual_seed(seed);
            let cpu = (Kind::Float, Device::Cpu);
            let (crops, samples, tokens) = (shape.crops, shape.samples, shape.tokens);
            let mut declarations = Declarations::default();
            let layer = SampledAttention::declare(&mut declarations, "srs", &config());
            let declarations = declarations.into_vec();
            let mut parameters = Parameters::initial(&declarations, seed as u64, Device::Cpu);
            for tensor in parameters.tensors_mut() {
                let _ = tensor.g_add_(&(tensor.randn_like() * 0.3));
            }
            let valid = match shape.valid {
                Valid::None => Tensor::zeros([crops, samples, 1], cpu),
                Valid::Some => Tensor::rand([crops, samples, 1], cpu).round(),
                Valid::All => Tensor::ones([crops, samples, 1], cpu),
            };
            let size = [crops, samples, shape.neighbours];
            let places = Tensor::randint(tokens, size, (Kind::Int64, Device::Cpu));
            let weights = match shape.neighbours {
                1 => Tensor::ones(size, cpu),
                _ => Tensor::rand(size, cpu),
            } * &valid;
            let map = Tensor::zeros([crops, samples, tokens], cpu);
            let map = map.scatter_add(-1, &places, &weights);
            let offsets = Tensor::arange(crops, (Kind::Int64, Device::Cpu)).view([crops, 1, 1]);
            Self {
                leaves: parameters.leaves(&declarations, Kind::Float).unwrap(),
                declarations,
                layer,
                patches: Tensor::randn([crops, tokens, WIDTH], cpu).set_requires_grad(true),
                map,
                samples: Samples {
                    places: (places + offsets * tokens).flatten(0, -1),
                    weights: (shape.neighbours > 1).then_some(weights),
                    count: samples,
                },
                valid,
                loss: Tensor::randn([crops, samples, WIDTH], cpu),
            }
        }

        /// As method.md section 3 writes it down, with dense maps.
        fn plain(&self) -> Tensor {
            let get = |name: &str| {
                let place = self
                    .declarations
                    .iter()
                    .position(|other| other.name == format!("srs.{name}"));
                &self.leaves.tensors()[place.unwrap()]
            };
            let norm = |name: &str, input: &Tensor| {
                let (weight, bias) = (get(&format!("{name}.weight")), get(&format!("{name}.bias")));
                input.layer_norm([WIDTH], Some(weight), Some(bias), 1e-6, false)
            };
            let tokens = norm("norm1", &self.patches);
            let packed = tokens.linear(get("attn.qkv.weight"), Some(get("attn.qkv.bias")));
            let parts = packed.chunk(3, -1);
            let heads = |part: &Tensor| part.unflatten(-1, [HEADS, -1]).transpose(1, 2);
            let query = heads(&self.map.matmul(&parts[0]));
            let scores = query.matmul(&heads(&parts[1]).transpose(-2, -1));
            let shares = (scores / ((WIDTH / HEADS) as f64).sqrt()).softmax(-1, Kind::Float);
            let attended = shares
                .matmul(&heads(&parts[2]))
                .transpose(1, 2)
                .flatten(2, -1);
            let output = attended.linear(get("attn.proj.weight"), Some(get("attn.proj.bias")));
            norm("attn.norm", &(output + self.map.matmul(&tokens)))
        }

        /// Rows that are valid, and the gradients of a loss over them: of the patches, then of the parameters.
        fn results(&self, output: &Tensor) -> (Tensor, Vec<Tensor>) {
            let kept = output * &self.valid;
            let sum = (&kept * &self.loss).sum(Kind::Float);
            let mut roots: Vec<&Tensor> = vec![&self.patches];
            roots.extend(self.leaves.tensors());
            let gradients = Tensor::run_backward(&[sum], &roots, true, false);
            (kept.detach(), gradients)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn samples_and_gradients_are_those_of_dense_maps(shape in shapes(), seed in 0..1000i64) {
            let problem = Problem::new(&shape, seed);
            let output = problem.layer.forward(&problem.leaves, &problem.patches, &problem.samples).unwrap();
            let (received, gradients) = problem.results(&output);
            let (expected, slopes) = problem.results(&problem.plain());
            let largest = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
            prop_assert!(largest(&(received - expected)) < 1e-4);
            let scale = slopes.iter().map(largest).fold(1.0, f64::max);
            for (gradient, slope) in gradients.iter().zip(&slopes) {
                prop_assert!(largest(&(gradient - slope)) < 1e-4 * scale);
            }
        }
    }
}
