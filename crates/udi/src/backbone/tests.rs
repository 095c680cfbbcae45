use tch::{Device, Kind, Tensor, no_grad};

use super::{DropPaths, Readout, VisionTransformer, position_embedding::resample_positions};
use crate::{
    config::{HeadConfig, ModelConfig},
    parameters::{Declarations, Parameters, Weights},
};

fn config() -> ModelConfig {
    ModelConfig {
        width: 24,
        depth: 3,
        heads: 2,
        mlp_ratio: 3.0,
        patch_size: 4,
        image_size: 16,
        class_tokens: 2,
        include_patch: true,
        srs_heads: 3,
        drop_path_rate: 0.5,
        head: HeadConfig {
            prototypes: 10,
            hidden_width: 8,
            bottleneck_width: 4,
            batch_norm: false,
            norm_last_layer: false,
        },
    }
}

fn backbone() -> (VisionTransformer, Weights) {
    let mut declarations = Declarations::default();
    let backbone = VisionTransformer::declare(&mut declarations, "vit", &config());
    let declarations = declarations.into_vec();
    let parameters = Parameters::initial(&declarations, 1, Device::Cpu);
    (backbone, parameters.weights(&declarations, Kind::Float))
}

fn distance(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

#[test]
fn class_tokens_alone_are_those_of_the_whole_pass_with_and_without_stochastic_depth() {
    let (backbone, weights) = backbone();
    let images = Tensor::rand([5, 3, 16, 16], (Kind::Float, Device::Cpu));
    let [drop] = DropPaths::draw(0.5, 3, [5], (1, 1), Device::Cpu);
    for drop in [None, drop.as_ref()] {
        let run = |readout| no_grad(|| backbone.forward(&weights, &images, readout, drop));
        let (whole, class) = (run(Readout::AllTokens), run(Readout::ClassTokens));
        assert!(distance(&whole.class, &class.class) < 1e-5);
        assert_eq!(whole.patches.unwrap().size(), [5, 16, 24]);
        assert!(class.patches.is_none());
    }
}

#[test]
fn images_of_other_sizes_and_shapes_pass() {
    let (backbone, weights) = backbone();
    for (height, width, tokens) in [(8, 8, 4), (20, 12, 15), (19, 15, 12)] {
        let images = Tensor::rand([2, 3, height, width], (Kind::Float, Device::Cpu));
        let encoded = backbone.forward(&weights, &images, Readout::AllTokens, None);
        assert_eq!(encoded.patches.unwrap().size(), [2, tokens, 24]);
    }
}

#[test]
fn positions_of_class_tokens_are_never_resampled() {
    let positions = Tensor::rand([1, 2 + 9, 4], (Kind::Float, Device::Cpu));
    let resampled = resample_positions(&positions, 2, (5, 2));
    assert_eq!(resampled.size(), [1, 12, 4]);
    assert_eq!(resampled.narrow(1, 0, 2), positions.narrow(1, 0, 2));
    assert_eq!(resample_positions(&positions, 2, (3, 3)), positions);
}
