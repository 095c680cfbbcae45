/** Which tokens of a crop are sampled, and where another crop shows the same place: the maps, read for the eye. */
import type { DetailedRecipe } from "../recipe/multi-crop.js";
import { sampleMap, type TokenCrop } from "../recipe/sample-map.js";
import type { SamplingGrid, StratifiedSample } from "../recipe/stratified-mask.js";
import type { TargetWeights } from "../recipe/types.js";

/** A place on a token grid, counted in tokens from the centre of the first one; need not be whole. */
export interface GridPlace {
  readonly row: number;
  readonly column: number;
}

export interface PairedSample {
  /** Its place in the order of the mask, from 0 on. */
  readonly number: number;
  /** The sampled token in the source crop. */
  readonly at: GridPlace;
  /** Where the target's four tokens are mixed; null: the target does not show this place. */
  readonly match: GridPlace | null;
}

export interface SampledPair {
  readonly source: SampledCrop;
  /** Side of the target's grid, in tokens. */
  readonly targetSide: number;
  readonly samples: readonly PairedSample[];
}

/** The windows of a crop. */
export interface SampledCrop {
  readonly grid: SamplingGrid;
  readonly sample: StratifiedSample;
}

export interface SampledPairs {
  /** g1 -> g2, g2 -> g1. */
  readonly globals: readonly [SampledPair, SampledPair];
  /** Of each local crop: -> g1, -> g2. */
  readonly locals: readonly (readonly [SampledPair, SampledPair])[];
}

/** All pairs of an image; null where nothing is sampled. */
export function sampledPairs({ places, sampling }: DetailedRecipe): SampledPairs | null {
  if (sampling === null) return null;
  const { grids, masks } = sampling;
  const [student, teacher] = places.globals.map((coordinates) => ({
    coordinates,
    side: grids.global.side,
  })) as [TokenCrop, TokenCrop];
  const global = { grid: grids.global, sample: masks.global };
  const local = masks.local === null ? null : { grid: grids.local, sample: masks.local };
  const ofLocal = (crop: SampledCrop, source: TokenCrop) =>
    [pair(crop, source, student), pair(crop, source, teacher)] as const;
  return {
    globals: [pair(global, student, teacher), pair(global, teacher, student)],
    locals:
      local === null
        ? []
        : places.locals.map((coordinates) => ofLocal(local, { coordinates, side: grids.local.side })),
  };
}

function pair(source: SampledCrop, from: TokenCrop, to: TokenCrop): SampledPair {
  const map = sampleMap(from, to, source.sample.tokens);
  const samples = Array.from(source.sample.tokens, (token, number) => {
    const row = map.source.indexOf(token);
    const at = { row: Math.floor(token / from.side), column: token % from.side };
    return { number, at, match: row < 0 ? null : mixedPlace(map.target, row, to.side) };
  });
  return { source, targetSide: to.side, samples };
}

/** The mean place of a row's four tokens by their weights. */
function mixedPlace({ tokens, weights }: TargetWeights, row: number, side: number): GridPlace {
  const place = { row: 0, column: 0 };
  for (let at = 4 * row; at < 4 * row + 4; at++) {
    const [token, weight] = [tokens[at] ?? 0, weights[at] ?? 0];
    place.row += weight * Math.floor(token / side);
    place.column += weight * (token % side);
  }
  return place;
}
