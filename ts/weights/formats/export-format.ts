/** What a format adds to the weights. */
import type { ExportedBackbone } from "../exported-backbone.js";

export interface ExportFormat {
  /** Name of the weights' file. */
  readonly weights: string;
  /** The library that loads it, as model cards name it. */
  readonly library: string;
  /** Throws ArgumentError for a backbone that it cannot hold. */
  check(backbone: ExportedBackbone): void;
  /** Other files, by name; `load.py` is the ready snippet. */
  files(backbone: ExportedBackbone): Readonly<Record<string, string>> & { readonly "load.py": string };
  /** What a reader of the model card should know before loading, in Markdown. */
  notes(backbone: ExportedBackbone): string;
}

/** `"cls": tokens[:, 0]`, … of tokens after the final norm, as Python writes it. */
export function tokenDictionary({ classTokens }: ExportedBackbone): string {
  const second = classTokens === 2 ? ', "cls_plus": tokens[:, 1]' : "";
  return `{"cls": tokens[:, 0]${second}, "patches": tokens[:, ${classTokens}:]}`;
}

/** Shapes of those entries. */
export function tokenShapes({ classTokens }: ExportedBackbone): string {
  return `cls${classTokens === 2 ? " and cls_plus" : ""} [B, C], patches [B, N, C], all after the final norm`;
}

/** `float32 [B, 3, H, W]` */
export function pixelShape({ imageSize }: ExportedBackbone): string {
  return `float32 [B, 3, ${imageSize.height}, ${imageSize.width}]`;
}

export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
