//! Our own names, with the architecture in the header.

use serde_json::{Value, json};

use super::{ExportRequest, backbone::Backbone, tensor_file, written_file::WrittenFile};
use crate::{error::WeightsError, write::BACKBONE_NOTE};

pub(crate) fn write(
    backbone: Backbone,
    request: &ExportRequest,
) -> Result<Vec<WrittenFile>, WeightsError> {
    let facts = facts(&backbone, request.notes);
    tensor_file::write_with_note(&backbone.into_tensors(), (BACKBONE_NOTE, &facts), request)
}

fn facts(backbone: &Backbone, notes: &[(String, String)]) -> String {
    let geometry = &backbone.geometry;
    let mut facts = json!({
        "width": geometry.width,
        "depth": geometry.depth,
        "heads": geometry.heads,
        "mlpWidth": geometry.mlp_width,
        "patchSize": geometry.patch_size,
        "imageSize": [geometry.image_size.0, geometry.image_size.1],
        "classTokens": geometry.class_tokens,
    });
    for (key, value) in notes {
        facts[key] = Value::from(value.as_str());
    }
    facts.to_string()
}
