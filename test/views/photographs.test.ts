/** From the file to the view: what PIL makes of photographs by whole recipes. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { openViewBatch } from "../../ts/native/engine.js";
import type { ImageRecipe, ViewRecipe } from "../../ts/recipe/types.js";
import { decodeImage } from "../../ts/views/decode.js";

const FOLDER = join(import.meta.dirname, "photographs");
const SIDE = 64;
const AREA = SIDE ** 2;

type FiveViews = readonly [ViewRecipe, ViewRecipe, ...ViewRecipe[]];

const recipes: Record<string, FiveViews> = JSON.parse(readFileSync(join(FOLDER, "views.json"), "utf8"));

/** PIL's views, `[5, 64, 64, 3]`. */
async function expectedViews(name: string): Promise<Uint8Array> {
  return new Uint8Array(
    await sharp(join(FOLDER, name.replace(".jpg", ".png")))
      .raw()
      .toBuffer(),
  );
}

/** `[views, 3, side, side]` as PIL lays them out, `[views, side, side, 3]`. */
function interleaved(planar: Uint8Array): Uint8Array {
  return Uint8Array.from(planar, (_, at) => {
    const [view, pixel, channel] = [Math.floor(at / (3 * AREA)), Math.floor(at / 3) % AREA, at % 3];
    return planar[(3 * view + channel) * AREA + pixel] as number;
  });
}

test.each(Object.entries(recipes))("views of %s are PIL's", async (name, [first, second, ...locals]) => {
  const recipe: ImageRecipe = { globals: [first, second], locals, maps: null };
  const shape = { images: 1, globalSize: SIDE, localCrops: locals.length, localSize: SIDE };
  using image = await decodeImage(join(FOLDER, name));
  using filling = openViewBatch(shape);
  await filling.fill(0, image, recipe);
  using views = await filling.finish();
  const { globalViews, localViews } = views.pixels();
  const made = interleaved(new Uint8Array(Buffer.concat([globalViews, localViews])));
  const expected = await expectedViews(name);
  expect(made.length).toBe(expected.length);
  const errors = made.map((value, at) => Math.abs(value - (expected[at] as number)));
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const apart = errors.filter((error) => error > 1).length / errors.length;
  expect({ mean, apart }).toEqual({ mean: 0, apart: 0 });
});
