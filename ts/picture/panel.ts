/** Panels: pieces of a sheet, laid out beside and below each other. Pixels stay as they are, marks lie on top of them. */

/** Pixels of a panel: interleaved RGB. */
export interface Tile {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]` */
  readonly pixels: Uint8Array;
}

export interface Panel {
  readonly width: number;
  readonly height: number;
  readonly tiles: readonly Tile[];
  /** SVG elements, in the panel's own pixels. */
  readonly marks: string;
}

/** A panel of marks alone. */
export function drawing(width: number, height: number, marks: string): Panel {
  return { width, height, tiles: [], marks };
}

export interface Placed {
  readonly panel: Panel;
  readonly left: number;
  readonly top: number;
}

/** One panel of several, each at its place, as large as they need together. */
export function arranged(placed: readonly Placed[]): Panel {
  return {
    width: Math.max(0, ...placed.map(({ panel, left }) => left + panel.width)),
    height: Math.max(0, ...placed.map(({ panel, top }) => top + panel.height)),
    tiles: placed.flatMap(({ panel, left, top }) =>
      panel.tiles.map((tile) => ({ ...tile, left: tile.left + left, top: tile.top + top })),
    ),
    marks: placed
      .map(({ panel, left, top }) => `<g transform="translate(${left} ${top})">${panel.marks}</g>`)
      .join(""),
  };
}

/** From left to right, upper edges in line. */
export function beside(panels: readonly Panel[], gap: number): Panel {
  let left = 0;
  return arranged(
    panels.map((panel) => {
      const placed = { panel, left, top: 0 };
      left += panel.width + gap;
      return placed;
    }),
  );
}

/** From top to bottom, left edges in line. */
export function below(panels: readonly Panel[], gap: number): Panel {
  let top = 0;
  return arranged(
    panels.map((panel) => {
      const placed = { panel, left: 0, top };
      top += panel.height + gap;
      return placed;
    }),
  );
}

/** Rows of equally many panels of one size, as many in a row as find room and as evenly as they go. */
export function inRows(panels: readonly Panel[], room: number, gap: number): Panel {
  const widest = Math.max(1, ...panels.map(({ width }) => width));
  const most = Math.max(1, Math.floor((room + gap) / (widest + gap)));
  const rows = Math.ceil(panels.length / most);
  const each = Math.ceil(panels.length / Math.max(1, rows));
  return below(
    Array.from({ length: rows }, (_, row) => beside(panels.slice(row * each, (row + 1) * each), gap)),
    gap,
  );
}
