import fc from "fast-check";
import { expect, test } from "vitest";
import { renderViews } from "../../ts/native/engine.js";
import { type SampledPair, sampledPairs } from "../../ts/picture/sampled-pairs.js";
import { randomStream } from "../../ts/random.js";
import { type DetailedRecipe, detailedRecipe } from "../../ts/recipe/multi-crop.js";
import type { TargetWeights, ViewRecipe } from "../../ts/recipe/types.js";
import { colourMap, OPTIONS } from "./synthetic.js";

const [WIDTH, HEIGHT] = [300, 200];

const anyDetail = fc
  .integer({ min: 0, max: 10_000 })
  .map((seed) => detailedRecipe({ width: WIDTH, height: HEIGHT }, OPTIONS, randomStream(seed, "picture")));

/** The maps that training gets, beside the pair that shows them. */
function mapsAndPairs({ recipe, ...detail }: DetailedRecipe): [TargetWeights, SampledPair][] {
  const pairs = sampledPairs({ recipe, ...detail });
  if (pairs === null || recipe.maps === null) throw new Error("expected samples");
  const { globalTarget, localTarget } = recipe.maps;
  return [
    [globalTarget[0], pairs.globals[0]],
    [globalTarget[1], pairs.globals[1]],
    ...pairs.locals.flatMap(([toStudent, toTeacher], number): [TargetWeights, SampledPair][] => [
      [localTarget[2 * number] as TargetWeights, toTeacher],
      [localTarget[2 * number + 1] as TargetWeights, toStudent],
    ]),
  ];
}

test("matches are those of the maps that training gets, in their order; the other rows of the maps are empty", () => {
  fc.assert(
    fc.property(anyDetail, (detail) => {
      for (const [map, { samples, targetSide }] of mapsAndPairs(detail)) {
        const matches = samples.flatMap(({ match }) => (match === null ? [] : [match]));
        expect(map.weights.length).toBe(4 * samples.length);
        for (let row = 0; row < samples.length; row++) {
          const weights = [...map.weights.subarray(4 * row, 4 * row + 4)];
          const tokens = [...map.tokens.subarray(4 * row, 4 * row + 4)];
          const mean = (of: (token: number) => number) =>
            weights.reduce((sum, weight, at) => sum + weight * of(tokens[at] as number), 0);
          const match = matches[row];
          if (match === undefined) expect(weights).toEqual([0, 0, 0, 0]);
          else {
            expect(match.row).toBeCloseTo(
              mean((token) => Math.floor(token / targetSide)),
              5,
            );
            expect(match.column).toBeCloseTo(
              mean((token) => token % targetSide),
              5,
            );
          }
        }
      }
    }),
  );
});

test("source tokens of the global maps are the samples that have a match", () => {
  fc.assert(
    fc.property(anyDetail, (detail) => {
      const pairs = sampledPairs(detail);
      detail.recipe.maps?.globalSource.forEach((source, at) => {
        const pair = pairs?.globals[at as 0 | 1];
        const side = pair?.source.grid.side ?? 0;
        const matched = pair?.samples.filter(({ match }) => match !== null) ?? [];
        expect(matched.map((sample) => sample.at.row * side + sample.at.column)).toEqual(
          [...source].filter((token) => token !== -1),
        );
      });
    }),
  );
});

interface Colour {
  readonly red: number;
  readonly green: number;
}

/** Of a view `[3, side, side]` at a place in pixels. */
function colourAt(view: Uint8Array, side: number, x: number, y: number): Colour {
  const clamp = (value: number) => Math.max(0, Math.min(side - 1, Math.round(value)));
  const at = clamp(y) * side + clamp(x);
  return { red: view[at] ?? 0, green: view[side * side + at] ?? 0 };
}

interface RenderedView {
  readonly pixels: Uint8Array;
  readonly recipe: ViewRecipe;
}

/** The largest difference of colour that half a token's size makes in a view. */
function halfToken({ recipe }: RenderedView, tokens: number): number {
  const steepest = Math.max(255 / (WIDTH - 1), 255 / (HEIGHT - 1));
  return (0.5 / tokens) * Math.max(recipe.crop.width, recipe.crop.height) * steepest;
}

test("a sample and its match show the same content of the image, flipped or not", async () => {
  const image = colourMap(WIDTH, HEIGHT);
  const { globalSize, localCrops, localSize, patchSize } = OPTIONS;
  let [compared, flips] = [0, 0];
  for (let seed = 0; seed < 8; seed++) {
    const detail = detailedRecipe(image, OPTIONS, randomStream(seed, "picture"));
    using views = await renderViews(
      { images: 1, globalSize, localCrops, localSize },
      [image],
      [detail.recipe],
    );
    const { globalViews, localViews } = views.pixels();
    const cut = (bytes: Uint8Array, part: number, side: number) =>
      bytes.subarray(part * 3 * side * side, (part + 1) * 3 * side * side);
    const { globals, locals } = detail.recipe;
    const [g1, g2] = globals.map((recipe, at) => ({ recipe, pixels: cut(globalViews, at, globalSize) })) as [
      RenderedView,
      RenderedView,
    ];
    const pairs = sampledPairs(detail);
    if (pairs === null) throw new Error("expected samples");
    const all: [SampledPair, RenderedView, RenderedView][] = [
      [pairs.globals[0], g1, g2],
      [pairs.globals[1], g2, g1],
      ...locals.flatMap((recipe, at): [SampledPair, RenderedView, RenderedView][] => {
        const local = { recipe, pixels: cut(localViews, at, localSize) };
        const [toStudent, toTeacher] = pairs.locals[at] as readonly [SampledPair, SampledPair];
        return [
          [toStudent, local, g1],
          [toTeacher, local, g2],
        ];
      }),
    ];
    for (const [pair, source, target] of all) {
      const { side } = pair.source.grid;
      const tolerance = 4 + halfToken(source, side) + halfToken(target, pair.targetSide);
      for (const { at, match } of pair.samples) {
        if (match === null) continue;
        const centre = (place: number) => (place + 0.5) * patchSize - 0.5;
        const here = colourAt(source.pixels, side * patchSize, centre(at.column), centre(at.row));
        const there = colourAt(target.pixels, globalSize, centre(match.column), centre(match.row));
        expect(Math.abs(here.red - there.red)).toBeLessThan(tolerance);
        expect(Math.abs(here.green - there.green)).toBeLessThan(tolerance);
        compared += 1;
        flips += source.recipe.flipped !== target.recipe.flipped ? 1 : 0;
      }
    }
  }
  expect(compared).toBeGreaterThan(200);
  expect(flips).toBeGreaterThan(50);
});

test("without a patch level nothing is sampled", () => {
  const options = { ...OPTIONS, includePatch: false };
  const detail = detailedRecipe({ width: 30, height: 20 }, options, randomStream(0, "picture"));
  expect(sampledPairs(detail)).toBeNull();
});
