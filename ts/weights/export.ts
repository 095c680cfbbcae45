/** A checkpoint's backbone as a folder that another library loads: weights, their settings, a snippet, a model card. */
import { readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { ArgumentError } from "../errors.js";
import { choice } from "../native/argument-checks.js";
import {
  EXPORT_FORMATS,
  type ExportDtype,
  type ExportedFile,
  type ExportFormatName,
  exportBackbone,
} from "../native/export-backbone.js";
import type { NetworkName } from "../native/weights.js";
import { fileHash } from "../run/checkpoint-record.js";
import { writeWholeFolder } from "../run/whole-files.js";
import { cardFacts } from "./card-facts.js";
import { type ExportedBackbone, type ImageSize, NORMALISATION } from "./exported-backbone.js";
import type { ExportFormat } from "./formats/export-format.js";
import { huggingface } from "./formats/huggingface.js";
import { onnx } from "./formats/onnx.js";
import { safetensors } from "./formats/safetensors.js";
import { timm } from "./formats/timm.js";
import { modelCard } from "./model-card.js";
import { type CheckpointSource, chooseNetwork, openCheckpoint } from "./open-checkpoint.js";
import { EXPORT_RECORD, readyFolder, writing } from "./output-folder.js";

export interface ExportOptions {
  /** Whatever `openCheckpoint` takes. */
  readonly checkpoint: string;
  readonly format: ExportFormatName;
  /** The folder to make. */
  readonly out: string;
  /** Default: the teacher, or the only network of the file. */
  readonly network?: "teacher" | "student" | undefined;
  /** Numbers of the stored weights; default fp32. */
  readonly dtype?: ExportDtype | undefined;
  /** Of the images that the export is for; default: the size that the checkpoint stores positions for. */
  readonly imageSize?: ImageSize | undefined;
  /** Attention heads, where the file does not say it. */
  readonly heads?: number | undefined;
  /** Licence of the weights, as model hubs name it; default: not stated. */
  readonly license?: string | undefined;
  /** What becomes of an earlier export in the folder: default "refuse". */
  readonly existing?: "refuse" | "replace" | undefined;
  /** ONNX: weights that together are larger go to a second file; default 2 GB, which is all that one file can hold. */
  readonly onnxInlineBytes?: number | undefined;
}

export interface ExportResult {
  readonly folder: string;
  readonly format: ExportFormatName;
  readonly network: NetworkName;
  readonly backbone: ExportedBackbone;
  /** All files of the folder, the weights first. */
  readonly files: readonly FileRecord[];
  /** What a reader should know of how the checkpoint was taken, a line each. */
  readonly remarks: readonly string[];
}

export interface FileRecord {
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

const FORMATS: Readonly<Record<ExportFormatName, ExportFormat>> = { safetensors, timm, huggingface, onnx };

/** In every published model of this kind: a number of heads that is guessed by it is right for those. */
const PUBLISHED_HEAD_WIDTH = 64;

/** A protobuf message holds 2 GiB, and the graph needs some of it. */
const ONNX_INLINE_BYTES = 2_000_000_000;

/**
 * Makes the folder, whole or not at all. Throws ArgumentError where the format cannot hold the backbone, RunError where
 * the checkpoint cannot be read, its weights are not finite, or the folder cannot be used.
 */
export async function exportCheckpoint(options: ExportOptions): Promise<ExportResult> {
  const folder = resolve(options.out);
  const format = FORMATS[choice("format", options.format, EXPORT_FORMATS)];
  await readyFolder(folder, options.existing ?? "refuse");
  const source = await openCheckpoint(options.checkpoint, { heads: options.heads });
  const network = chooseNetwork(source, options.network);
  const backbone = exportedBackbone(source, options);
  format.check(backbone);
  let files: readonly FileRecord[] = [];
  await writing(folder, () =>
    writeWholeFolder(folder, async (partial) => {
      files = await fill(partial, { source, network, backbone, format, options });
    }),
  );
  return { folder, format: options.format, network, backbone, files, remarks: source.remarks };
}

interface Content {
  readonly source: CheckpointSource;
  readonly network: NetworkName;
  readonly backbone: ExportedBackbone;
  readonly format: ExportFormat;
  readonly options: ExportOptions;
}

/** Returns what the folder then holds beside its record. */
async function fill(folder: string, content: Content): Promise<readonly FileRecord[]> {
  const { network, backbone, format, options } = content;
  const weights = await writeWeights(join(folder, format.weights), content);
  const facts = await cardFacts(content);
  const texts = { ...format.files(backbone), "README.md": modelCard(facts) };
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
  const files = [...weights.map(fileRecord), ...(await textRecords(folder, Object.keys(texts)))];
  const { origin, step, version } = facts;
  const record = { format: options.format, network, backbone, origin, step, version, files };
  await writeFile(join(folder, EXPORT_RECORD), `${JSON.stringify(record, null, 2)}\n`);
  return files;
}

async function writeWeights(
  output: string,
  { source, network, backbone, options }: Content,
): Promise<readonly ExportedFile[]> {
  const facts = {
    network,
    mean: NORMALISATION.mean.join(" "),
    std: NORMALISATION.std.join(" "),
    license: backbone.license ?? "unknown",
  };
  return exportBackbone({
    file: source.file,
    network,
    heads: backbone.heads,
    ...backbone.imageSize,
    format: options.format,
    dtype: backbone.dtype,
    notes: Object.entries(facts).map(([key, value]) => ({ key, value })),
    onnxInlineBytes: options.onnxInlineBytes ?? ONNX_INLINE_BYTES,
    output,
  });
}

function exportedBackbone({ model, path }: CheckpointSource, options: ExportOptions): ExportedBackbone {
  if (model.headsGuessed && model.width % PUBLISHED_HEAD_WIDTH !== 0) {
    const expected = "expected the number of attention heads, without which features are wrong";
    throw new ArgumentError(`heads: ${expected}, and ${path} does not say it`, { hint: "--heads N" });
  }
  const { width, depth, heads, mlpRatio, patchSize, classTokens, imageSize: storedSize } = model;
  const imageSize = options.imageSize ?? { height: storedSize, width: storedSize };
  for (const side of [imageSize.height, imageSize.width]) {
    if (Number.isInteger(side) && side > 0 && side % patchSize === 0) continue;
    throw new ArgumentError(
      `imageSize: expected multiples of the patch size ${patchSize}, received ${imageSize.height}x${imageSize.width}`,
    );
  }
  const settings = { dtype: options.dtype ?? "fp32", license: options.license ?? null };
  return { width, depth, heads, mlpRatio, patchSize, classTokens, imageSize, storedSize, ...settings };
}

function fileRecord({ path, bytes, sha256 }: ExportedFile): FileRecord {
  return { name: basename(path), bytes, sha256 };
}

async function textRecords(folder: string, names: readonly string[]): Promise<FileRecord[]> {
  const record = async (name: string) => {
    const file = join(folder, name);
    return { name, bytes: (await readFile(file)).length, sha256: await fileHash(file) };
  };
  return Promise.all(names.map(record));
}
