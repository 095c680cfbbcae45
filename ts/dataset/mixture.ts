/** Several sources as one, mixed by weights. */
import { DataError } from "../errors.js";
import { randomStream } from "../random.js";
import { sortedClasses } from "./class-names.js";
import { type ImageSource, openImageSource, type PathKind } from "./image-source.js";
import type { OpenOptions } from "./opening.js";
import { endsOf, partOf, startOf } from "./parts.js";

export interface MixturePart {
  readonly path: string;
  readonly kind: "auto" | PathKind;
  /** Above 0; only their ratios count. */
  readonly weight: number;
}

/**
 * An epoch has as many samples as all parts have images, of which each part gives its share by weight. A part goes on in the
 * next epoch where it stopped in this one, and begins anew, in another order, when all of its images were shown: within a
 * part no image is shown more often than another. Throws DataError.
 */
export async function openMixture(
  parts: readonly MixturePart[],
  options: OpenOptions = {},
): Promise<ImageSource> {
  const sources: ImageSource[] = [];
  for (const { path, kind } of parts) sources.push(await openImageSource(path, kind, options));
  return mixture(
    sources,
    parts.map(({ weight }) => weight),
  );
}

export function mixture(sources: readonly ImageSource[], weights: readonly number[]): ImageSource {
  const ends = endsOf(sources.map(({ count }) => count));
  const count = ends.at(-1) ?? 0;
  const shares = sharesOf(count, weights);
  requireShares(sources, shares);
  const { classes, numbers } = joinedClasses(sources);
  const place = (index: number) => {
    const part = partOf(ends, index);
    return { part, source: sources[part] as ImageSource, at: index - startOf(ends, part) };
  };
  return {
    kind: "mixture",
    root: sources.map(({ root }) => root).join(" + "),
    count,
    classes,
    arrangement: sources.map(({ arrangement }, part) => `${shares[part]} ${arrangement}`).join("\n"),
    name: (index) => {
      const { source, at } = place(index);
      return source.name(at);
    },
    key: (index) => {
      const { part, source, at } = place(index);
      return `${part}/${source.key(at)}`;
    },
    label: (index) => {
      const { part, source, at } = place(index);
      return numbers[part]?.[source.label(at)] ?? -1;
    },
    read: async (index) => {
      const { source, at } = place(index);
      return source.read(at);
    },
    order: (seed, epoch) => mixedOrder({ sources, ends, shares, seed, epoch }),
  };
}

/** Whole numbers in the ratio of the weights, `count` in all; what rounding leaves goes to the largest remainders. */
function sharesOf(count: number, weights: readonly number[]): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const exact = weights.map((weight) => (count * weight) / total);
  const left = count - exact.reduce((sum, share) => sum + Math.floor(share), 0);
  const remainders = exact.map((share, part) => ({ part, rest: share - Math.floor(share) }));
  const raised = new Set(
    remainders
      .sort((a, b) => b.rest - a.rest || a.part - b.part)
      .slice(0, left)
      .map(({ part }) => part),
  );
  return exact.map((share, part) => Math.floor(share) + (raised.has(part) ? 1 : 0));
}

function requireShares(sources: readonly ImageSource[], shares: readonly number[]): void {
  const part = shares.indexOf(0);
  if (part < 0) return;
  const images = shares.reduce((sum, share) => sum + share, 0);
  throw new DataError(
    `data.mix: expected weights that give each source at least one of the ${images} images of an epoch, received none for ${sources[part]?.root}`,
    { hint: "raise its weight, or leave it out" },
  );
}

/** For each part the index of its classes among those of all parts; classes of the same name are one. */
function joinedClasses(sources: readonly ImageSource[]) {
  const classes = sortedClasses(sources.flatMap((source) => source.classes));
  const index = new Map(classes.map((name, number) => [name, number]));
  return { classes, numbers: sources.map((source) => source.classes.map((name) => index.get(name) ?? -1)) };
}

interface MixedEpoch {
  readonly sources: readonly ImageSource[];
  readonly ends: Uint32Array;
  readonly shares: readonly number[];
  readonly seed: number;
  readonly epoch: number;
}

function mixedOrder({ sources, ends, shares, seed, epoch }: MixedEpoch): Uint32Array {
  const rows = sources.map((source, part) => {
    const length = shares[part] as number;
    return stretch(source, { first: epoch * length, length, seed: partSeed(seed, part) });
  });
  const turnEnds = endsOf(shares);
  const next = new Uint32Array(sources.length);
  return randomStream(seed, "mixture", epoch)
    .permutation(turnEnds.at(-1) ?? 0)
    .map((turn) => {
      const part = partOf(turnEnds, turn);
      const at = next[part] as number;
      next[part] = at + 1;
      return startOf(ends, part) + (rows[part]?.[at] as number);
    });
}

/** So that two sources of the same length are not gone through in the same order. */
function partSeed(seed: number, part: number): number {
  return randomStream(seed, "mixture-part", part).integer(0, 2 ** 31);
}

interface Stretch {
  readonly first: number;
  readonly length: number;
  readonly seed: number;
}

/** Samples from the `first` on of a source that is gone through again and again. */
function stretch(source: ImageSource, { first, length, seed }: Stretch): Uint32Array {
  const samples = new Uint32Array(length);
  let round = Math.floor(first / source.count);
  let from = first % source.count;
  for (let at = 0; at < length; round++, from = 0) {
    const piece = source.order(seed, round).subarray(from, from + length - at);
    samples.set(piece, at);
    at += piece.length;
  }
  return samples;
}
