/** A graph for ONNX runtimes: any batch, one image size. */
import { type ExportFormat, pixelShape, tokenShapes } from "./export-format.js";

/** Of the graph that crates/udi-weights builds. */
const OPSET = 17;

export const onnx: ExportFormat = {
  weights: "model.onnx",
  library: "onnx",
  check: () => {},
  files: (backbone) => ({
    "load.py": `"""Opens the backbone beside this file with onnxruntime."""
from pathlib import Path

import onnxruntime

session = onnxruntime.InferenceSession(Path(__file__).parent / "model.onnx")


def features(images):
    """Images ${pixelShape(backbone)} (NumPy), normalised -> ${tokenShapes(backbone)}."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"pixels": images})))
`,
  }),
  notes: ({ classTokens, imageSize, dtype }) =>
    `Opset ${OPSET}. Input \`pixels\` \`[batch, 3, ${imageSize.height}, ${imageSize.width}]\`, outputs \`cls\`${classTokens === 2 ? ", `cls_plus`" : ""} and \`patches\`; the batch is free, the image size is not
(\`--image-size\` exports another one).${dtype === "fp16" ? " Weights are stored as fp16 and computed with as fp32." : ""} Weights above 2 GB lie in \`model.onnx.data\`, which must stay beside the model.`,
};
