use std::{collections::HashSet, fs};

use proptest::prelude::*;

use super::{
    backbone_graph::backbone_graph,
    schema::{GraphMessage, Initializer},
    tensors::Place,
};
use crate::export::{StoredAs, backbone::Backbone, tests::geometry};

fn stored_as() -> impl Strategy<Value = StoredAs> {
    prop_oneof![Just(StoredAs::Fp32), Just(StoredAs::Fp16)]
}

/// Names that a node may read, in the order in which they come to be.
fn initial(graph: &GraphMessage) -> Vec<&str> {
    let inputs = graph.input.iter().map(|port| port.name.as_str());
    let weights = graph.initializer.iter().map(|weight| weight.name.as_str());
    inputs.chain(weights).collect()
}

fn entry(weight: &Initializer, key: &str) -> usize {
    let found = weight.external_data.iter().find(|entry| entry.key == key);
    found.unwrap().value.parse().unwrap()
}

proptest! {
    #[test]
    fn every_name_is_made_once_and_before_it_is_read(geometry in geometry(), stored_as in stored_as()) {
        let graph = backbone_graph(Backbone::counted(geometry), stored_as);
        let (graph, beside) = graph.finish(&Place::Inside).unwrap();
        prop_assert!(beside.is_none());
        let mut known = HashSet::new();
        for name in initial(&graph) {
            prop_assert!(known.insert(name), "{name} is there twice");
        }
        for node in &graph.node {
            for input in &node.input {
                prop_assert!(known.contains(input.as_str()), "{} reads {input}", node.name);
            }
            for output in &node.output {
                prop_assert!(known.insert(output), "{output} is made twice");
            }
        }
        for port in &graph.output {
            prop_assert!(known.contains(port.name.as_str()));
        }
        prop_assert_eq!(graph.output.len(), geometry.class_tokens + 1);
    }

    #[test]
    fn no_weight_is_left_out_or_empty(geometry in geometry()) {
        let graph = backbone_graph(Backbone::counted(geometry), StoredAs::Fp32);
        let (graph, _) = graph.finish(&Place::Inside).unwrap();
        for weight in &graph.initializer {
            let count: i64 = weight.dims.iter().product();
            let bytes = weight.raw_data.as_ref().unwrap().len();
            prop_assert!(count > 0 && bytes as i64 / count >= 4, "{}", weight.name);
        }
        let read: HashSet<_> = graph.node.iter().flat_map(|node| &node.input).collect();
        for weight in &graph.initializer {
            prop_assert!(read.contains(&weight.name), "{} is never read", weight.name);
        }
    }
}

#[test]
fn weights_beside_the_model_are_those_inside_it_page_by_page() {
    let geometry = crate::export::backbone::Geometry {
        width: 6,
        depth: 2,
        heads: 2,
        mlp_width: 9,
        patch_size: 2,
        class_tokens: 2,
        image_size: (4, 4),
    };
    let graph = || backbone_graph(Backbone::counted(geometry), StoredAs::Fp16);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx.data");
    let (inside, _) = graph().finish(&Place::Inside).unwrap();
    let (beside, file) = graph().finish(&Place::Beside(path.clone())).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(file.unwrap().bytes as usize, bytes.len());
    let outside: Vec<_> = (beside.initializer.iter().zip(&inside.initializer))
        .filter(|(weight, _)| weight.data_location == 1)
        .collect();
    assert!(outside.len() > 20);
    for (weight, within) in outside {
        let (start, length) = (entry(weight, "offset"), entry(weight, "length"));
        assert_eq!(start % 4096, 0);
        assert_eq!(
            within.raw_data.as_deref(),
            Some(&bytes[start..start + length])
        );
        assert_eq!(weight.external_data[0].value, "model.onnx.data");
    }
}
