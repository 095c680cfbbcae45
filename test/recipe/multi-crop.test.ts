import fc from "fast-check";
import { expect, test } from "vitest";
import { ArgumentError } from "../../ts/errors.js";
import { randomStream } from "../../ts/random.js";
import { cropCoordinates, flipCoordinates } from "../../ts/recipe/coordinates.js";
import { type MultiCropOptions, multiCropRecipe } from "../../ts/recipe/multi-crop.js";
import { sampleMap, type TokenCrop } from "../../ts/recipe/sample-map.js";
import type { ImageMaps, ViewRecipe } from "../../ts/recipe/types.js";
import { expectShare } from "../chance.js";
import { anyImage } from "./arbitrary.js";
import { PUBLISHED_CROPS } from "./published-crops.js";

const image = { width: 500, height: 375 };

function recipe(seed: number, changes: Partial<MultiCropOptions> = {}) {
  return multiCropRecipe(image, { ...PUBLISHED_CROPS, ...changes }, randomStream(seed, "recipe"));
}

function mapsOf(seed: number, changes: Partial<MultiCropOptions> = {}): ImageMaps {
  const { maps } = recipe(seed, changes);
  if (maps === null) throw new Error("expected maps");
  return maps;
}

function coordinatesOf(view: ViewRecipe) {
  const coordinates = cropCoordinates(view.crop, image);
  return view.flipped ? flipCoordinates(coordinates) : coordinates;
}

const someSeeds = Array.from({ length: 300 }, (_, seed) => seed);

test("the same seed gives the same recipe, another seed another one", () => {
  fc.assert(
    fc.property(anyImage, fc.nat(), (size, seed) => {
      const again = () => multiCropRecipe(size, PUBLISHED_CROPS, randomStream(seed, "same"));
      expect(again()).toEqual(again());
    }),
    { numRuns: 30 },
  );
  expect(recipe(1)).not.toEqual(recipe(2));
});

test("views and maps have the sizes that the options ask for", () => {
  const { globals, locals, maps } = recipe(1);
  expect(globals.map((view) => view.size)).toEqual([224, 224]);
  expect(locals.map((view) => view.size)).toEqual(new Array(10).fill(96));
  expect(maps?.globalSource.map((source) => source.length)).toEqual([16, 16]);
  expect(maps?.globalTarget.map((target) => target.weights.length)).toEqual([64, 64]);
  expect(maps?.localTarget.map((target) => target.tokens.length)).toEqual(new Array(20).fill(36));
});

test("every view of any image lies in the image, and every map is finite", () => {
  fc.assert(
    fc.property(anyImage, fc.nat(), (size, seed) => {
      const { globals, locals, maps } = multiCropRecipe(size, PUBLISHED_CROPS, randomStream(seed, "any"));
      for (const { crop } of [...globals, ...locals]) {
        expect(Math.min(crop.top, crop.left, crop.height - 1, crop.width - 1)).toBeGreaterThanOrEqual(0);
        expect(crop.top + crop.height).toBeLessThanOrEqual(size.height);
        expect(crop.left + crop.width).toBeLessThanOrEqual(size.width);
      }
      const targets = [...(maps?.globalTarget ?? []), ...(maps?.localTarget ?? [])];
      expect(targets).toHaveLength(22);
      expect(targets.every(({ weights }) => weights.every(Number.isFinite))).toBe(true);
    }),
  );
});

test("the views are the same with and without a patch level", () => {
  const { maps, ...views } = recipe(3, { includePatch: false });
  expect(maps).toBeNull();
  expect(recipe(3)).toMatchObject(views);
});

test("without local crops there are neither local views nor local maps", () => {
  const { locals, maps } = recipe(4, { localCrops: 0 });
  expect(locals).toEqual([]);
  expect(maps?.localTarget).toEqual([]);
});

test("a view is flipped half of the time", () => {
  const views = someSeeds.flatMap((seed) => [...recipe(seed).globals, ...recipe(seed).locals]);
  expectShare(views.filter((view) => view.flipped).length, views.length, 0.5);
});

/** Views as crops with a grid of tokens. */
function tokenCrops(views: readonly ViewRecipe[], side: number): TokenCrop[] {
  return views.map((view) => ({ coordinates: coordinatesOf(view), side }));
}

/** Every token of a grid: what windows of one token sample. */
function allTokens(side: number): Int32Array {
  return Int32Array.from({ length: side ** 2 }, (_, token) => token);
}

test("global pairs are (g1 -> g2), then (g2 -> g1)", () => {
  for (const seed of someSeeds.slice(0, 20)) {
    const [student, teacher] = tokenCrops(recipe(seed).globals, 14) as [TokenCrop, TokenCrop];
    const maps = mapsOf(seed, { globalWindow: 1 });
    const expected = [sampleMap(student, teacher, allTokens(14)), sampleMap(teacher, student, allTokens(14))];
    expect(maps.globalSource).toEqual(expected.map((map) => map.source));
    expect(maps.globalTarget).toEqual(expected.map((map) => map.target));
  }
});

test("local pairs are (l -> g2), then (l -> g1), for each local crop", () => {
  for (const seed of someSeeds.slice(0, 20)) {
    const { globals, locals } = recipe(seed);
    const [student, teacher] = tokenCrops(globals, 14) as [TokenCrop, TokenCrop];
    const pairs = tokenCrops(locals, 6).flatMap((local) => [teacher, student].map((to) => ({ local, to })));
    const expected = pairs.map(({ local, to }) => sampleMap(local, to, allTokens(6)).target);
    expect(mapsOf(seed, { localWindow: 1 }).localTarget).toEqual(expected);
  }
});

test("both global crops share one mask", () => {
  for (const seed of someSeeds) {
    const [there, back] = mapsOf(seed, { globalWindow: 2 }).globalSource;
    const tokens = new Set([...there, ...back].filter((token) => token !== -1));
    const windows = [...tokens].map((token) => `${Math.floor(token / 28)},${Math.floor((token % 14) / 2)}`);
    expect(new Set(windows).size).toBe(tokens.size);
  }
});

test("all local crops share one mask", () => {
  for (const seed of someSeeds.slice(0, 50)) {
    const { globals, locals } = recipe(seed);
    const [student, teacher] = tokenCrops(globals, 14) as [TokenCrop, TokenCrop];
    const pairs = tokenCrops(locals, 6).flatMap((local) => [teacher, student].map((to) => ({ local, to })));
    // One window over the whole grid samples one token: exactly this one must explain all the maps.
    const { localTarget } = mapsOf(seed, { localWindow: 6 });
    const explains = (token: number) =>
      pairs.map(({ local, to }) => sampleMap(local, to, Int32Array.of(token)).target);
    expect([...allTokens(6)].map(explains)).toContainEqual(localTarget);
  }
});

test("sides that patches do not fill are refused where maps are needed", () => {
  expect(() => recipe(1, { globalSize: 225 })).toThrow(ArgumentError);
  expect(() => recipe(1, { localSize: 100 })).toThrow(/multiple of the patch size 16, received 100/);
});
