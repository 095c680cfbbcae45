/** The directions in which vectors differ most, and where vectors lie along them. */
import { principalComponents } from "../native/engine.js";

/** Vectors of one width, one behind the other. */
export interface Vectors {
  readonly width: number;
  /** `[count, width]` */
  readonly values: Float32Array;
}

export interface Components {
  readonly mean: Float64Array;
  /** Unit vectors, that of the largest variance first; the largest of a vector's entries is positive. */
  readonly directions: readonly Float64Array[];
  /** Share of the variance along each. Of vectors that are all alike it is 0. */
  readonly explained: readonly number[];
}

/** Components, and for each of them `[count]`: how far the vectors that they were found of lie from their mean. */
export interface FittedComponents {
  readonly components: Components;
  readonly scores: readonly Float32Array[];
}

/** At least one vector, of finite values; `count` at most their width. */
export async function fitComponents({ width, values }: Vectors, count: number): Promise<FittedComponents> {
  const found = await principalComponents({ vectors: values, width, components: count });
  const { mean, explained } = found;
  const places = explained.map((_, component) => component);
  const own = values.length / width;
  return {
    components: {
      mean,
      directions: places.map((at) => found.directions.subarray(at * width, (at + 1) * width)),
      explained,
    },
    scores: places.map((at) => found.scores.subarray(at * own, (at + 1) * own)),
  };
}

/** `[count]`: how far each vector lies from the mean along a component. */
export function scores(vectors: Vectors, { mean, directions }: Components, component: number): Float32Array {
  const { width, values } = vectors;
  const direction = directions[component] ?? new Float64Array(width);
  const offset = mean.reduce((sum, value, at) => sum + value * (direction[at] as number), 0);
  return Float32Array.from({ length: values.length / width }, (_, row) => {
    let product = -offset;
    for (let at = 0; at < width; at++)
      product += (values[row * width + at] as number) * (direction[at] as number);
    return product;
  });
}
