/** A value for each patch of an image, and the same for each pixel of a picture of it. */

export interface PatchMap {
  readonly rows: number;
  readonly columns: number;
  /** `[rows, columns]` */
  readonly values: Float32Array;
}

export interface PictureSize {
  /** In pixels. */
  readonly height: number;
  readonly width: number;
}

/** `nearest`: each patch is a rectangle of one value. `smooth`: linear between the middles of the patches. */
export const ENLARGEMENTS = ["nearest", "smooth"] as const;

export type Enlargement = (typeof ENLARGEMENTS)[number];

/** `[height, width]` */
export function enlarged(map: PatchMap, size: PictureSize, how: Enlargement): Float32Array {
  const down = places(map.rows, size.height, how);
  const across = places(map.columns, size.width, how);
  const pixels = new Float32Array(size.height * size.width);
  for (const [y, row] of down.entries()) {
    for (const [x, column] of across.entries()) pixels[y * size.width + x] = mixed(map, row, column);
  }
  return pixels;
}

/** At least one map, all of one size. */
export function meanMap(maps: readonly PatchMap[]): PatchMap {
  const [first] = maps as readonly [PatchMap];
  const sums = new Float32Array(first.values.length);
  for (const { values } of maps)
    for (const [at, value] of values.entries()) sums[at] = (sums[at] ?? 0) + value;
  return { ...first, values: sums.map((sum) => sum / maps.length) };
}

/** Two neighbours of a pixel in one direction, and the weight of the second. */
interface Place {
  readonly first: number;
  readonly second: number;
  readonly share: number;
}

/** Middles of patches and pixels are aligned as in PyTorch's `align_corners=False`. */
function places(patches: number, pixels: number, how: Enlargement): Place[] {
  return Array.from({ length: pixels }, (_, pixel) => {
    const at = ((pixel + 0.5) * patches) / pixels;
    if (how === "nearest") return { first: Math.floor(at), second: Math.floor(at), share: 0 };
    const inside = Math.min(patches - 1, Math.max(0, at - 0.5));
    const first = Math.floor(inside);
    return { first, second: Math.min(patches - 1, first + 1), share: inside - first };
  });
}

function mixed({ columns, values }: PatchMap, row: Place, column: Place): number {
  const along = (line: number) => {
    const first = values[line * columns + column.first] as number;
    return first + ((values[line * columns + column.second] as number) - first) * column.share;
  };
  const upper = along(row.first);
  return row.share === 0 ? upper : upper + (along(row.second) - upper) * row.share;
}
