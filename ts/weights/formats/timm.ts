/** timm's VisionTransformer: cls+ is its register token. */
import { architectureShape } from "../../config/presets.js";
import { type ExportedBackbone, NORMALISATION, resizedSide } from "../exported-backbone.js";
import { type ExportFormat, json, pixelShape, tokenDictionary, tokenShapes } from "./export-format.js";

/** timm's models of our named architectures, all for patches of 16 pixels and images of 224. */
const ARCHITECTURES = ["vit_tiny", "vit_small", "vit_base", "vit_large"] as const;
const PATCH = 16;
const SIDE = 224;

export const timm: ExportFormat = {
  weights: "model.safetensors",
  library: "timm",
  check: () => {},
  files: (backbone) => ({ "config.json": config(backbone), "load.py": snippet(backbone) }),
  notes: (backbone) =>
    `${backbone.classTokens === 2 ? "cls+ is timm's register token (`reg_tokens=1`). " : ""}\`timm.create_model("local-dir:FOLDER", pretrained=True)\`
loads the folder too, and \`hf-hub:NAME\` once it is uploaded. With \`dynamic_img_size=True\` timm resamples positions in a way of its
own: for images of another size export again with \`--image-size\`.`,
};

interface TimmModel {
  readonly name: string;
  /** Arguments in which the model differs from the one of that name. */
  readonly differing: Readonly<Record<string, number | readonly number[]>>;
}

/** The named model that is nearest, and what differs from it. */
export function timmModel(backbone: ExportedBackbone): TimmModel {
  const { width, depth, heads, mlpRatio, patchSize, classTokens, imageSize } = backbone;
  const arch = ARCHITECTURES.find((name) => architectureShape(name).width === width) ?? "vit_small";
  const named = architectureShape(arch);
  const square = imageSize.height === imageSize.width;
  const differs: readonly (readonly [string, number | readonly number[], boolean])[] = [
    [
      "img_size",
      square ? imageSize.height : [imageSize.height, imageSize.width],
      !square || imageSize.height !== SIDE,
    ],
    ["patch_size", patchSize, patchSize !== PATCH],
    ["embed_dim", width, width !== named.width],
    ["depth", depth, depth !== named.depth],
    ["num_heads", heads, heads !== named.heads],
    ["mlp_ratio", mlpRatio, mlpRatio !== named.mlpRatio],
    ["reg_tokens", classTokens - 1, classTokens > 1],
  ];
  const differing = differs.filter(([, , differ]) => differ).map(([name, value]) => [name, value] as const);
  return { name: `${arch}_patch${PATCH}_${SIDE}`, differing: Object.fromEntries(differing) };
}

function snippet(backbone: ExportedBackbone): string {
  const { name, differing } = timmModel(backbone);
  const settings = Object.entries<number | readonly number[]>({ num_classes: 0, ...differing }).map(
    ([key, value]) => `${key}=${typeof value === "number" ? value : `(${value.join(", ")})`}`,
  );
  return `"""Loads the backbone beside this file with timm."""
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file

model = timm.create_model("${name}", ${settings.join(", ")})
model.load_state_dict(load_file(Path(__file__).parent / "model.safetensors"))
model.eval()


@torch.inference_mode()
def features(images):
    """Images ${pixelShape(backbone)}, normalised -> ${tokenShapes(backbone)}."""
    tokens = model.forward_features(images)
    return ${tokenDictionary(backbone)}
`;
}

/** What timm reads of a folder or of the hub. */
function config(backbone: ExportedBackbone): string {
  const { imageSize, width, license } = backbone;
  const { name, differing } = timmModel(backbone);
  const side = Math.max(imageSize.height, imageSize.width);
  return json({
    architecture: name,
    num_classes: 0,
    num_features: width,
    global_pool: "token",
    model_args: differing,
    pretrained_cfg: {
      custom_load: false,
      input_size: [3, imageSize.height, imageSize.width],
      fixed_input_size: true,
      interpolation: "bicubic",
      crop_pct: side / resizedSide(imageSize),
      crop_mode: "center",
      ...NORMALISATION,
      num_classes: 0,
      pool_size: null,
      first_conv: "patch_embed.proj",
      classifier: "head",
      ...(license === null ? {} : { license }),
      paper_ids: "arXiv:2407.17671",
    },
  });
}
