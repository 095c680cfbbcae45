/** How the features of an image stand in a row, so that every classifier sees neighbouring columns. */
import type { EncoderModel, PooledTokens } from "../../native/encoder.js";
import type { ProbeCandidate } from "../../native/probe.js";
import type { Candidate, TokenChoice } from "./settings.js";

export interface RowLayout {
  /** Values of a row. */
  readonly width: number;
  /** Last blocks in it, oldest first. */
  readonly blocks: number;
  /** Places of the class tokens of a block that are in it. */
  readonly tokens: readonly number[];
  /** Whether the mean of the last block's patch tokens stands at its end. */
  readonly patches: boolean;
  /** Dimension C of a token. */
  readonly tokenWidth: number;
}

const PLACES: Readonly<Record<TokenChoice, readonly number[]>> = {
  cls: [0],
  "cls+": [1],
  "cls,cls+": [0, 1],
};

/** The narrowest row that holds what all candidates see. */
export function rowLayout(
  candidates: readonly Candidate[],
  token: TokenChoice,
  { width: tokenWidth }: EncoderModel,
): RowLayout {
  const blocks = Math.max(...candidates.map(({ lastBlocks }) => lastBlocks));
  const patches = candidates.some(({ averagePatches }) => averagePatches);
  const tokens = PLACES[token];
  const width = (blocks * tokens.length + (patches ? 1 : 0)) * tokenWidth;
  return { width, blocks, tokens, patches, tokenWidth };
}

export function columnsOf(
  { lastBlocks, averagePatches }: Candidate,
  { blocks, tokens, tokenWidth }: RowLayout,
): ProbeCandidate {
  const block = tokens.length * tokenWidth;
  return {
    firstColumn: (blocks - lastBlocks) * block,
    columns: lastBlocks * block + (averagePatches ? tokenWidth : 0),
  };
}

/** Rows `[images, width]` of what the encoder pooled. */
export function rowsOf({ values, blocks, rows }: PooledTokens, layout: RowLayout): Float32Array {
  const { width, tokens, patches, tokenWidth } = layout;
  const images = values.length / (blocks * rows * tokenWidth);
  const out = new Float32Array(images * width);
  let to = 0;
  for (let image = 0; image < images; image++) {
    const copy = (block: number, row: number) => {
      const from = ((image * blocks + block) * rows + row) * tokenWidth;
      out.set(values.subarray(from, from + tokenWidth), to);
      to += tokenWidth;
    };
    for (let block = 0; block < blocks; block++) for (const token of tokens) copy(block, token);
    if (patches) copy(blocks - 1, rows - 1);
  }
  return out;
}
