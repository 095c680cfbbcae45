/** All about one image: its crops on the original, its views, its samples. */
import type { DetailedRecipe } from "../recipe/multi-crop.js";
import { G1, G2, localName } from "./crop-names.js";
import { legend } from "./legend.js";
import { fitted, lettering } from "./lettering.js";
import { originalPanel } from "./original-panel.js";
import { joinedPair, localPanel, type NamedTile } from "./pair-panel.js";
import { FAINT_INK, INK } from "./palette.js";
import { below, beside, drawing, inRows, type Panel, type Tile } from "./panel.js";
import { type RgbImage, viewTile } from "./raster.js";
import { type SampledPairs, sampledPairs } from "./sampled-pairs.js";
import { viewPanel } from "./view-panel.js";

/** An image and what training makes of it. */
export interface PicturedImage {
  /** Which image it is. */
  readonly title: string;
  readonly remark: string;
  readonly image: RgbImage;
  readonly detail: DetailedRecipe;
  /** `[3, G, G]`: g1, g2. */
  readonly globals: readonly [Uint8Array, Uint8Array];
  /** `[3, S, S]` each. */
  readonly locals: readonly Uint8Array[];
}

const GAP = 24;
const WIDE_GAP = 48;
/** Between two joined crops: room for the lines. */
const JOIN_GAP = 120;
/** About how large views are shown, in pixels; their scale is a whole number. */
const [GLOBAL_SIDE, LOCAL_SIDE, SMALL_SIDE] = [448, 192, 224];

export async function imageSection(pictured: PicturedImage): Promise<Panel> {
  const tiles = tilesOf(pictured);
  const pairs = sampledPairs(pictured.detail);
  const width = 2 * (2 * tiles.globals[0].width + JOIN_GAP) + WIDE_GAP;
  const views = viewsPanel(pictured, tiles);
  const left = width - views.width - WIDE_GAP;
  const needs = { hasLocals: pictured.locals.length > 0, hasSamples: pairs !== null };
  const original = await originalPanel(pictured.image, pictured.detail, { width: left, height: 0.8 * left });
  const upper = beside(
    [below([original, below([legend(needs, left), drawing(left, 0, "")], 0)], GAP), views],
    WIDE_GAP,
  );
  const lower = pairs === null ? [] : pairPanels(pairs, tiles, width);
  return below([heading(pictured, width), upper, ...lower], GAP);
}

interface Tiles {
  readonly globals: readonly [Tile, Tile];
  /** The same two, smaller. */
  readonly small: readonly [Tile, Tile];
  readonly locals: readonly Tile[];
}

function tilesOf({ globals, locals, detail }: PicturedImage): Tiles {
  const side = detail.recipe.globals[0].size;
  const localSide = detail.recipe.locals[0]?.size ?? 1;
  const both = (scale: number) =>
    [viewTile(globals[0], side, scale), viewTile(globals[1], side, scale)] as const;
  return {
    globals: both(scaleTo(GLOBAL_SIDE, side)),
    small: both(scaleTo(SMALL_SIDE, side)),
    locals: locals.map((local) => viewTile(local, localSide, scaleTo(LOCAL_SIDE, localSide))),
  };
}

function scaleTo(wanted: number, side: number): number {
  return Math.max(1, Math.round(wanted / side));
}

function heading({ title, remark }: PicturedImage, width: number): Panel {
  return drawing(
    width,
    48,
    lettering({
      text: fitted(title, 22, width, "bold"),
      x: 0,
      y: 18,
      size: 22,
      colour: INK,
      weight: "bold",
    }) + lettering({ text: remark, x: 0, y: 42, size: 14, colour: FAINT_INK }),
  );
}

/** The views as they are, local ones below the global ones. */
function viewsPanel({ detail: { recipe } }: PicturedImage, { globals, locals }: Tiles): Panel {
  const both = beside(
    [
      viewPanel({ name: G1, recipe: recipe.globals[0], tile: globals[0] }),
      viewPanel({ name: G2, recipe: recipe.globals[1], tile: globals[1] }),
    ],
    GAP,
  );
  const rest = recipe.locals.map((local, number) =>
    viewPanel({ name: localName(number), recipe: local, tile: locals[number] as Tile }),
  );
  if (rest.length === 0) return both;
  return below([both, inRows(rest, Math.max(both.width, 5 * LOCAL_SIDE + 4 * GAP), GAP)], GAP);
}

function pairPanels({ globals, locals }: SampledPairs, tiles: Tiles, width: number): Panel[] {
  const [g1, g2]: [NamedTile, NamedTile] = [
    { name: G1, tile: tiles.globals[0] },
    { name: G2, tile: tiles.globals[1] },
  ];
  const joined = [joinedPair(globals[0], g1, g2, JOIN_GAP), joinedPair(globals[1], g2, g1, JOIN_GAP)];
  const ofLocals = locals.map((pairs, number) => {
    const local = { name: localName(number), tile: tiles.locals[number] as Tile };
    return localPanel({ local, pairs, targets: tiles.small }, GAP / 2);
  });
  return [
    subheading("Sampled patches of the global crops, and the same places in the other one", width),
    inRows(joined, width, WIDE_GAP),
    ...(ofLocals.length === 0
      ? []
      : [subheading("Sampled patches of the local crops, and the same places in the global ones", width)]),
    inRows(ofLocals, width, WIDE_GAP - 6),
  ];
}

function subheading(text: string, width: number): Panel {
  return drawing(width, 30, lettering({ text, x: 0, y: 24, size: 16, colour: INK, weight: "bold" }));
}
