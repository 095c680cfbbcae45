/** Stratified random sampling (spec/method.md section 3): the token grid is cut into windows, one token drawn in each. */
import { ArgumentError } from "../errors.js";
import type { RandomStream } from "../random.js";

/** A square grid of tokens and the windows of its sampling, both in tokens. */
export interface SamplingGrid {
  readonly side: number;
  readonly window: number;
}

/** Tokens on a side of a view. Throws ArgumentError where the patches do not fill it. */
export function tokensPerSide(viewSize: number, patchSize: number): number {
  const side = viewSize / patchSize;
  if (Number.isInteger(side) && side > 0) return side;
  throw new ArgumentError(
    `view size: expected a multiple of the patch size ${patchSize}, received ${viewSize}`,
  );
}

/** Sampled tokens of a mask: s. */
export function samplesOf(grid: SamplingGrid): number {
  return windowsPerSide(grid) ** 2;
}

/** One token of each window, and where the block of windows lies on the grid. */
export interface StratifiedSample {
  /** In row-major order of the grid. */
  readonly tokens: Int32Array; // [s]
  /** First row and column of the block, in tokens. */
  readonly top: number;
  readonly left: number;
}

/** Where the windows do not fill the grid, their block lies in one of its four corners, each as likely as the others. */
export function stratifiedSample(grid: SamplingGrid, random: RandomStream): StratifiedSample {
  const windows = windowsPerSide(grid);
  const chosen = Array.from({ length: windows ** 2 }, () => random.integer(0, grid.window ** 2));
  const spare = grid.side - windows * grid.window;
  const corner = spare > 0 ? random.integer(0, 4) : 0;
  const top = corner < 2 ? 0 : spare;
  const left = corner % 2 === 0 ? 0 : spare;
  const tokens = chosen.map((place, index) => {
    const row = Math.floor(index / windows) * grid.window + Math.floor(place / grid.window);
    const column = (index % windows) * grid.window + (place % grid.window);
    return (top + row) * grid.side + left + column;
  });
  return { tokens: Int32Array.from(tokens).sort(), top, left };
}

/** The tokens of a stratified sample: `[s]`. */
export function stratifiedMask(grid: SamplingGrid, random: RandomStream): Int32Array {
  return stratifiedSample(grid, random).tokens;
}

function windowsPerSide({ side, window }: SamplingGrid): number {
  const windows = Math.floor(side / window);
  if (Number.isInteger(window) && window > 0 && windows > 0) return windows;
  throw new ArgumentError(`sampling window: expected 1 to ${side} tokens, received ${window}`);
}
