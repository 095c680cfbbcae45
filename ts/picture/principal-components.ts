/** The directions in which vectors differ most. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/** Vectors of one width, one behind the other. */
export interface Vectors {
  readonly width: number;
  /** `[count, width]` */
  readonly values: Float32Array;
}

export interface PrincipalComponents {
  readonly mean: Float64Array;
  /** Unit vectors, that of the largest variance first; the largest of a vector's entries is positive. */
  readonly directions: readonly Float64Array[];
  /** Share of the variance along each. */
  readonly explained: readonly number[];
}

/** At least one vector; `count` at most their width. Of vectors that are all alike the shares are 0. */
export function principalComponents(vectors: Vectors, count: number): PrincipalComponents {
  const { width } = vectors;
  const mean = meanOf(vectors);
  const covariance = scatter(vectors, mean);
  const total = covariance.diagonal().reduce((sum, value) => sum + value, 0);
  const solved = new EigenvalueDecomposition(covariance, { assumeSymmetric: true });
  const places = Array.from({ length: count }, (_, component) => width - 1 - component);
  return {
    mean,
    directions: places.map((column) => upright(solved.eigenvectorMatrix.getColumn(column))),
    explained: places.map((at) => (total > 0 ? (solved.realEigenvalues[at] as number) / total : 0)),
  };
}

/** `[count]`: how far each vector lies from the mean along a component. */
export function scores(
  vectors: Vectors,
  { mean, directions }: PrincipalComponents,
  component: number,
): Float32Array {
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

function meanOf({ width, values }: Vectors): Float64Array {
  const sums = new Float64Array(width);
  for (const [at, value] of values.entries()) sums[at % width] = (sums[at % width] as number) + value;
  return sums.map((sum) => (sum * width) / values.length);
}

/** Sums of products about the mean, `[width, width]`; the lower half mirrors the upper one. */
function scatter({ width, values }: Vectors, mean: Float64Array): Matrix {
  const sums = new Float64Array(width * width);
  const centred = new Float64Array(width);
  for (let start = 0; start < values.length; start += width) {
    for (let at = 0; at < width; at++) centred[at] = (values[start + at] as number) - (mean[at] as number);
    for (let row = 0; row < width; row++) {
      const factor = centred[row] as number;
      for (let column = row; column < width; column++) {
        const place = row * width + column;
        sums[place] = (sums[place] as number) + factor * (centred[column] as number);
      }
    }
  }
  return Matrix.from1DArray(
    width,
    width,
    sums.map((_, at) => {
      const [row, column] = [Math.floor(at / width), at % width];
      return sums[Math.min(row, column) * width + Math.max(row, column)] as number;
    }),
  );
}

/** A direction is known up to its sign: this choice of it is the same on each machine. */
function upright(direction: readonly number[]): Float64Array {
  const largest = direction.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  return Float64Array.from(direction, (value) => (largest < 0 ? -value : value));
}
