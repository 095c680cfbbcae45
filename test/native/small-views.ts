/** Images and recipes whose views are known without a renderer: crops of the view's own size, and nothing else. */
import type { DecodedImage } from "../../ts/native/types.js";
import type { ImageRecipe, ViewRecipe } from "../../ts/recipe/types.js";
import { noise, SHAPE, smallMaps } from "./small-engine.js";

export const [WIDTH, HEIGHT] = [21, 18];

export function smallImages(count: number = SHAPE.images): DecodedImage[] {
  return Array.from({ length: count }, (_, index) => ({
    pixels: noise(WIDTH * HEIGHT * 3, 100 + index),
    width: WIDTH,
    height: HEIGHT,
  }));
}

export function plainView(top: number, left: number, size: number): ViewRecipe {
  return {
    crop: { top, left, height: size, width: size },
    size,
    flipped: false,
    jitter: [],
    grayscale: false,
    blurRadius: 0,
    solarizeThreshold: null,
  };
}

/** Recipes of a batch of shape SHAPE whose maps, put together, are `smallMaps()`. */
export function smallRecipes(): ImageRecipe[] {
  const maps = smallMaps();
  const part = <T extends Int32Array | Float32Array>(whole: T, pair: number, image: number): T => {
    const length = whole.length / (2 * SHAPE.images);
    const start = (pair * SHAPE.images + image) * length;
    return whole.slice(start, start + length) as T;
  };
  return Array.from({ length: SHAPE.images }, (_, image) => {
    const target = ({ tokens, weights }: typeof maps.globalTarget, pair: number) => ({
      tokens: part(tokens, pair, image),
      weights: part(weights, pair, image),
    });
    return {
      globals: [plainView(0, image, SHAPE.globalSize), plainView(2, 3 + image, SHAPE.globalSize)],
      locals: [plainView(4, 5 + image, SHAPE.localSize)],
      maps: {
        globalSource: [part(maps.globalSource, 0, image), part(maps.globalSource, 1, image)],
        globalTarget: [target(maps.globalTarget, 0), target(maps.globalTarget, 1)],
        localTarget: [target(maps.localTarget, 0), target(maps.localTarget, 1)],
      },
    };
  });
}

/** What a plain view shows: `[3, size, size]`. */
export function cut(image: DecodedImage, { crop, size }: ViewRecipe): Uint8Array {
  return Uint8Array.from({ length: 3 * size ** 2 }, (_, place) => {
    const [channel, rest] = [Math.floor(place / size ** 2), place % size ** 2];
    const [row, column] = [crop.top + Math.floor(rest / size), crop.left + (rest % size)];
    return image.pixels[3 * (row * image.width + column) + channel] ?? 0;
  });
}
