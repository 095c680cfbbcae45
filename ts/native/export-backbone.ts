/** Backbones written for other libraries, on a thread of their own. */
import type * as addon from "./addon.js";
import { choice, fileName, list, record, refuse, wholeNumber } from "./argument-checks.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";

export const EXPORT_FORMATS = ["safetensors", "timm", "huggingface", "onnx"] as const;
export type ExportFormatName = (typeof EXPORT_FORMATS)[number];

export const EXPORT_DTYPES = ["fp32", "fp16"] as const;
export type ExportDtype = (typeof EXPORT_DTYPES)[number];

export interface ExportBackboneOptions {
  /** A file of weights of any kind that `openCheckpoint` takes. */
  readonly file: string;
  readonly network: "student" | "teacher" | "backbone";
  /** Attention heads; divides the width. */
  readonly heads: number;
  /** Of the images that it is for, in pixels; a multiple of the patch size. */
  readonly height: number;
  readonly width: number;
  readonly format: ExportFormatName;
  /** Numbers of the file. */
  readonly dtype: ExportDtype;
  /** Facts for formats that have room for some. */
  readonly notes: readonly { readonly key: string; readonly value: string }[];
  /** ONNX: weights that together are larger go to a second file, `<output>.data`. */
  readonly onnxInlineBytes: number;
  /** The file to write; it replaces what is there. */
  readonly output: string;
}

export interface ExportedFile {
  readonly path: string;
  readonly bytes: number;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
}

/** Rejects with RunError where the weights are not finite or do not fit the numbers of the file. */
export async function exportBackbone(options: ExportBackboneOptions): Promise<readonly ExportedFile[]> {
  const checked = checkOptions(options);
  return delegate(() => engineAddon().exportBackbone(checked));
}

function checkOptions(value: unknown): addon.ExportOptions {
  const options = record("options", value);
  return {
    file: fileName("file", options.file),
    network: choice("network", options.network, ["student", "teacher", "backbone"]),
    heads: wholeNumber("heads", options.heads, 1),
    height: wholeNumber("height", options.height, 1),
    width: wholeNumber("width", options.width, 1),
    format: choice("format", options.format, EXPORT_FORMATS),
    dtype: choice("dtype", options.dtype, EXPORT_DTYPES),
    notes: list("notes", options.notes, checkNote),
    onnxInlineBytes: wholeNumber("onnxInlineBytes", options.onnxInlineBytes, 0),
    output: fileName("output", options.output),
  };
}

function checkNote(name: string, value: unknown): addon.ExportNote {
  const note = record(name, value);
  return { key: words(`${name}.key`, note.key), value: words(`${name}.value`, note.value) };
}

function words(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw refuse(name, "text", value);
}
