/** Our own names: those of the public checkpoints, without their prefixes. */
import { ArgumentError } from "../../errors.js";
import { BACKBONE_FILE } from "../checkpoint-place.js";
import type { ExportFormat } from "./export-format.js";

export const safetensors: ExportFormat = {
  weights: BACKBONE_FILE,
  library: "safetensors",
  check({ imageSize }) {
    if (imageSize.height === imageSize.width) return;
    throw new ArgumentError(
      `imageSize: expected a square for safetensors, received ${imageSize.height}x${imageSize.width}`,
      { hint: "our own models store positions of square images: choose --format timm or onnx" },
    );
  },
  files: () => ({
    "load.py": `"""Reads the weights beside this file."""
from pathlib import Path

from safetensors.numpy import load_file

# By name: cls_token, pos_embed, patch_embed.proj.weight, blocks.0.norm1.weight, ...
weights = load_file(Path(__file__).parent / "${BACKBONE_FILE}")
`,
  }),
  notes: ({ classTokens }) =>
    `Names are those of the public checkpoints without their prefixes: \`cls_token\` is \`[1, ${classTokens}, C]\`, \`pos_embed\`
\`[1, ${classTokens} + N, C]\`, class tokens first. The architecture stands in the file's header under \`udi-native backbone 1\`.
\`npx udi-native inspect\` and everything else that takes a checkpoint reads the file.`,
};
