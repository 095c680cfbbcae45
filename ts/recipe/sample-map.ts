/**
 * Sparse sampling maps (spec/method.md section 3): which sampled tokens of a source crop lie inside a target crop, and
 * between which tokens of it.
 */
import type { CropCoordinates, SourceTokens, TargetWeights } from "./types.js";

/** A crop's place in the image and the side of its square token grid. */
export interface TokenCrop {
  readonly coordinates: CropCoordinates;
  readonly side: number;
}

/** Maps of one pair. Valid samples come first, in the order of the sampled tokens; the other rows are empty. */
export interface SampleMap {
  readonly source: SourceTokens; // [s]
  readonly target: TargetWeights; // [s, 4]
}

/** Maps of the sampled tokens `[s]` of the source crop onto the target crop's grid. */
export function sampleMap(source: TokenCrop, target: TokenCrop, sampled: Int32Array): SampleMap {
  const map = emptyMap(sampled.length);
  const rows = axis(source, target, "rows");
  const columns = axis(source, target, "columns");
  let valid = 0;
  for (const token of sampled) {
    const row = targetPosition(rows, Math.floor(token / source.side));
    const column = targetPosition(columns, token % source.side);
    if (row === null || column === null) continue;
    map.source[valid] = token;
    setNeighbours(map.target, valid, target.side, { row, column });
    valid += 1;
  }
  return map;
}

function emptyMap(samples: number): SampleMap {
  return {
    source: new Int32Array(samples).fill(-1),
    target: { tokens: new Int32Array(4 * samples), weights: new Float32Array(4 * samples) },
  };
}

/** One axis of a crop: where its first and last token lie in the image. */
interface TokenAxis {
  readonly first: number;
  readonly last: number;
  readonly side: number;
}

interface AxisPair {
  readonly source: TokenAxis;
  readonly target: TokenAxis;
}

function axis(source: TokenCrop, target: TokenCrop, direction: "rows" | "columns"): AxisPair {
  return { source: tokenAxis(source, direction), target: tokenAxis(target, direction) };
}

function tokenAxis({ coordinates, side }: TokenCrop, direction: "rows" | "columns"): TokenAxis {
  const [top, left, bottom, right] = coordinates;
  return direction === "rows" ? { first: top, last: bottom, side } : { first: left, last: right, side };
}

/** Where the source's token lies on the target's grid, in tokens; null unless strictly inside the target. */
function targetPosition({ source, target }: AxisPair, index: number): number | null {
  const share = source.side > 1 ? index / (source.side - 1) : 0;
  const place = source.first + share * (source.last - source.first);
  const inside = Math.min(target.first, target.last) < place && place < Math.max(target.first, target.last);
  if (!inside) return null;
  return ((place - target.first) * (target.side - 1)) / (target.last - target.first);
}

/** Writes the four neighbours of a position and their bilinear weights, which sum to 1, into a row of the map. */
function setNeighbours(
  { tokens, weights }: TargetWeights,
  sample: number,
  side: number,
  position: { readonly row: number; readonly column: number },
): void {
  const row = neighbours(position.row, side);
  const column = neighbours(position.column, side);
  tokens[4 * sample] = row.lower * side + column.lower;
  tokens[4 * sample + 1] = row.lower * side + column.upper;
  tokens[4 * sample + 2] = row.upper * side + column.lower;
  tokens[4 * sample + 3] = row.upper * side + column.upper;
  weights[4 * sample] = (1 - row.share) * (1 - column.share);
  weights[4 * sample + 1] = (1 - row.share) * column.share;
  weights[4 * sample + 2] = row.share * (1 - column.share);
  weights[4 * sample + 3] = row.share * column.share;
}

interface Neighbours {
  readonly lower: number;
  readonly upper: number;
  /** Weight of the upper neighbour, in [0, 1]. */
  readonly share: number;
}

/**
 * A position strictly inside lies below `side - 1`, but its rounding may reach it. The last token is then the upper
 * neighbour with weight 1; the public code makes it both neighbours there, with weights that cancel.
 */
function neighbours(position: number, side: number): Neighbours {
  const lower = Math.max(0, Math.min(Math.floor(position), side - 2));
  const upper = Math.min(lower + 1, side - 1);
  return { lower, upper, share: Math.min(position - lower, 1) };
}
