//! The backbone as an ONNX graph: opset 17, any batch, one image size.

mod backbone_graph;
mod graph;
mod schema;
mod tensors;

use std::path::{Path, PathBuf};

use prost::Message;

use super::{
    ExportRequest,
    backbone::Backbone,
    written_file::{WrittenFile, write_file},
};
use crate::error::WeightsError;
use backbone_graph::backbone_graph;
use schema::{Entry, GraphMessage, Model, Opset};
use tensors::Place;

/// The newest operators used: LayerNormalization. Gelu came with 20 and is spelled out.
const OPSET: i64 = 17;
/// Version of the file format that came with them.
const IR_VERSION: i64 = 8;

/// Writes the model, and its weights beside it where they are too large to stand in it.
pub(crate) fn write(
    backbone: Backbone,
    request: &ExportRequest,
) -> Result<Vec<WrittenFile>, WeightsError> {
    let graph = backbone_graph(backbone, request.stored_as);
    let place = match graph.weight_bytes() > request.onnx_inline_bytes {
        true => Place::Beside(data_file(request.output)),
        false => Place::Inside,
    };
    let (graph, weights) = graph.finish(&place)?;
    let message = model(graph, request.notes).encode_to_vec();
    let model = write_file(request.output, message.len(), |file| file.write(&message))?;
    Ok(std::iter::once(model).chain(weights).collect())
}

fn model(graph: GraphMessage, notes: &[(String, String)]) -> Model {
    let notes = notes.iter().map(|(key, value)| Entry::new(key, value));
    Model {
        ir_version: IR_VERSION,
        producer_name: "udi-native".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph),
        opset_import: vec![Opset {
            domain: String::new(),
            version: OPSET,
        }],
        metadata_props: notes.collect(),
    }
}

/// Runtimes look for it beside the model.
fn data_file(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".data");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
