/** RandomErasing as timm draws it (spec/evaluation.md section 0.8): boxes of a view, and what takes their place. */
import type { RandomStream } from "../random.js";
import type { ImageSize } from "./coordinates.js";
import { roundHalfEven } from "./half-even.js";
import type { ErasingMode, Erasure, PixelBox } from "./types.js";

export interface RandomErasing {
  /** Chance that anything of a view is erased. */
  readonly probability: number;
  readonly mode: ErasingMode;
  /** Most boxes of a view; each is the smaller the more there are. */
  readonly count: number;
}

export const ERASING_MODES: readonly ErasingMode[] = ["const", "rand", "pixel"];

const ATTEMPTS = 10;
/** Share of the view's area, of all boxes together. */
const AREA: readonly [number, number] = [0.02, 1 / 3];
/** Logarithms of height divided by width. */
const ASPECT: readonly [number, number] = [Math.log(0.3), Math.log(1 / 0.3)];
const SEEDS = 2 ** 31;

export function randomErasing(
  view: ImageSize,
  { probability, mode, count }: RandomErasing,
  random: RandomStream,
): readonly Erasure[] {
  if (!random.chance(probability)) return [];
  const boxes = count === 1 ? 1 : random.integer(1, count + 1);
  const places = Array.from({ length: boxes }, () => randomBox(view, boxes, random));
  return places.flatMap((place) => (place === null ? [] : [{ place, mode, seed: random.integer(0, SEEDS) }]));
}

/** Null: no attempt fits. */
function randomBox(view: ImageSize, boxes: number, random: RandomStream): PixelBox | null {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = (random.uniform(...AREA) * view.height * view.width) / boxes;
    const aspect = Math.exp(random.uniform(...ASPECT));
    const height = roundHalfEven(Math.sqrt(area * aspect));
    const width = roundHalfEven(Math.sqrt(area / aspect));
    const fits = height > 0 && height < view.height && width > 0 && width < view.width;
    if (!fits) continue;
    const top = random.integer(0, view.height - height + 1);
    const left = random.integer(0, view.width - width + 1);
    return { top, left, height, width };
  }
  return null;
}
