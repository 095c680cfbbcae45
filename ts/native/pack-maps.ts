/** Joins the sparse maps of the images of a batch into the arrays that cross the seam. */
import type * as addon from "./addon.js";
import { int32Array, list, record, refuse, type Unchecked } from "./argument-checks.js";
import { checkTarget } from "./check-batch.js";

/** Sparse maps of one image, of the right kind: the pairs of each part. */
interface ImageMaps {
  readonly globalSource: readonly Int32Array[];
  readonly globalTarget: readonly addon.TargetSamples[];
  readonly localTarget: readonly addon.TargetSamples[];
}

/** `[2, B, s_g]`, `[2, B, s_g, 4]` and `[2 L, B, s_l, 4]`; null where no recipe has maps. */
export function packMaps(recipes: readonly Unchecked[], shape: addon.BatchShape): addon.SamplingMaps | null {
  const given = recipes.map(({ maps }) => maps);
  if (given.every((maps) => maps === null)) return null;
  const images = given.map((maps, index) => checkMaps(`recipes[${index}].maps`, maps, shape.localCrops));
  return {
    globalSource: join("globalSource", Int32Array, images, ({ globalSource }) => globalSource),
    globalTarget: joinTargets("globalTarget", images, ({ globalTarget }) => globalTarget),
    localTarget: joinTargets("localTarget", images, ({ localTarget }) => localTarget),
  };
}

function checkMaps(name: string, value: unknown, localCrops: number): ImageMaps {
  const maps = record(name, value);
  return {
    globalSource: list(`${name}.globalSource`, maps.globalSource, int32Array, 2),
    globalTarget: list(`${name}.globalTarget`, maps.globalTarget, checkTarget, 2),
    localTarget: list(`${name}.localTarget`, maps.localTarget, checkTarget, 2 * localCrops),
  };
}

function joinTargets(
  name: string,
  images: readonly ImageMaps[],
  pairs: (image: ImageMaps) => readonly addon.TargetSamples[],
): addon.TargetSamples {
  const tokens = (image: ImageMaps) => pairs(image).map((pair) => pair.tokens);
  const weights = (image: ImageMaps) => pairs(image).map((pair) => pair.weights);
  return {
    tokens: join(`${name}.tokens`, Int32Array, images, tokens),
    weights: join(`${name}.weights`, Float32Array, images, weights),
  };
}

/** `[pairs, images, …]` from a row of equally long arrays for each image. */
function join<T extends Int32Array | Float32Array>(
  name: string,
  type: new (length: number) => T,
  images: readonly ImageMaps[],
  rowOf: (image: ImageMaps) => readonly T[],
): T {
  const rows = images.map(rowOf);
  const length = rows[0]?.[0]?.length ?? 0;
  const joined = new type(length * rows.length * (rows[0]?.length ?? 0));
  rows.forEach((row, image) => {
    row.forEach((values, pair) => {
      if (values.length !== length) throw unequal(name, image, pair, length, values);
      joined.set(values, (pair * rows.length + image) * length);
    });
  });
  return joined;
}

function unequal(name: string, image: number, pair: number, length: number, values: unknown) {
  const place = `recipes[${image}].maps.${name} of pair ${pair}`;
  return refuse(place, `${length} values as in the first pair of recipes[0]`, values);
}
