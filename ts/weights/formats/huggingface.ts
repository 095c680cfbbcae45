/**
 * transformers' DINOv2, which is the same network: with one register token, it holds cls+ and its position (register
 * tokens have none of their own); layer scale is 1.
 */
import { ArgumentError } from "../../errors.js";
import { type ExportedBackbone, mlpWidth, NORMALISATION, resizedSide } from "../exported-backbone.js";
import { type ExportFormat, json, pixelShape, tokenDictionary, tokenShapes } from "./export-format.js";

export const huggingface: ExportFormat = {
  weights: "model.safetensors",
  library: "transformers",
  check(backbone) {
    const { imageSize, width, mlpRatio } = backbone;
    if (imageSize.height !== imageSize.width) {
      throw refusal("imageSize", "a square", `${imageSize.height}x${imageSize.width}`);
    }
    if (mlpWidth(backbone) % width !== 0) throw refusal("mlpRatio", "a whole number", String(mlpRatio));
  },
  files: (backbone) => ({
    "config.json": config(backbone),
    "preprocessor_config.json": preprocessor(backbone),
    "load.py": snippet(backbone),
  }),
  notes: ({ classTokens }) =>
    `The class is DINOv2's${classTokens === 2 ? " with registers: cls+ is the register token, `last_hidden_state[:, 1]`" : ""}; \`pooler_output\`
is cls. \`AutoImageProcessor\` makes the evaluation's view, but rounds the margins of the centre crop down. For images of another size transformers resamples positions in a way of its own: export again with \`--image-size\`.`,
};

function refusal(field: string, expected: string, received: string): ArgumentError {
  return new ArgumentError(`${field}: expected ${expected} for huggingface, received ${received}`, {
    hint: "DINOv2 in transformers holds no other: choose --format timm or onnx",
  });
}

const MODELS = {
  1: { class: "Dinov2Model", type: "dinov2", own: { use_mask_token: true } },
  2: { class: "Dinov2WithRegistersModel", type: "dinov2_with_registers", own: { num_register_tokens: 1 } },
} as const;

function config(backbone: ExportedBackbone): string {
  const { width, depth, heads, patchSize, classTokens, imageSize } = backbone;
  const model = MODELS[classTokens];
  return json({
    architectures: [model.class],
    model_type: model.type,
    hidden_size: width,
    num_hidden_layers: depth,
    num_attention_heads: heads,
    mlp_ratio: mlpWidth(backbone) / width,
    hidden_act: "gelu",
    layer_norm_eps: 1e-6,
    image_size: imageSize.height,
    patch_size: patchSize,
    num_channels: 3,
    qkv_bias: true,
    drop_path_rate: 0,
    use_swiglu_ffn: false,
    ...model.own,
    torch_dtype: "float32",
  });
}

function preprocessor({ imageSize }: ExportedBackbone): string {
  return json({
    image_processor_type: "BitImageProcessor",
    do_convert_rgb: true,
    do_resize: true,
    size: { shortest_edge: resizedSide(imageSize) },
    resample: 3, // bicubic
    do_center_crop: true,
    crop_size: imageSize,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: NORMALISATION.mean,
    image_std: NORMALISATION.std,
  });
}

function snippet(backbone: ExportedBackbone): string {
  return `"""Loads the backbone in this folder with transformers."""
from pathlib import Path

import torch
from transformers import AutoModel

model = AutoModel.from_pretrained(Path(__file__).parent)
model.eval()


@torch.inference_mode()
def features(images):
    """Images ${pixelShape(backbone)}, normalised -> ${tokenShapes(backbone)}."""
    tokens = model(pixel_values=images).last_hidden_state
    return ${tokenDictionary(backbone)}
`;
}
