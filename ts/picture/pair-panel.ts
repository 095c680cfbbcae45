/** A crop with its sampled patches beside the crops that show the same places. */
import { type CropName, G1, G2 } from "./crop-names.js";
import { lettering } from "./lettering.js";
import { centre, matchingPoint, sampledPatch, veil, windows } from "./pair-marks.js";
import { INK, sampleColour } from "./palette.js";
import { arranged, drawing, type Panel, type Tile } from "./panel.js";
import type { SampledPair } from "./sampled-pairs.js";
import { TAB_HEIGHT, tab, tabWidth } from "./shapes.js";

const CAPTION = TAB_HEIGHT + 8;

/** A view and its name. */
export interface NamedTile {
  readonly name: CropName;
  readonly tile: Tile;
}

/** Source and target at one scale, each sample joined with its match. */
export function joinedPair(pair: SampledPair, source: NamedTile, target: NamedTile, gap: number): Panel {
  const patch = source.tile.width / pair.source.grid.side;
  const right = source.tile.width + gap;
  const found = pair.samples.filter(({ match }) => match !== null).length;
  return arranged([
    {
      panel: caption(source.name, `${pair.samples.length} sampled patches`, source.tile.width),
      left: 0,
      top: 0,
    },
    { panel: caption(target.name, `shows ${found} of them`, target.tile.width), left: right, top: 0 },
    { panel: marked(source.tile, windows(pair.source, patch)), left: 0, top: CAPTION },
    { panel: marked(target.tile, veil(target.tile.width)), left: right, top: CAPTION },
    { panel: drawing(0, 0, joints(pair, patch, right)), left: 0, top: CAPTION },
  ]);
}

/** Lines first, so that no mark is crossed out. */
function joints({ samples }: SampledPair, patch: number, right: number): string {
  const lines = samples.map(({ number, at, match }) => {
    if (match === null) return "";
    const [from, to] = [centre(at, patch), centre(match, patch)];
    const line = `M${from.x} ${from.y}L${right + to.x} ${to.y}`;
    return `<path d="${line}" stroke="${sampleColour(number)}" stroke-width="1.5" stroke-opacity="0.6"/>`;
  });
  const patches = samples.map((sample) => sampledPatch(sample, patch));
  const points = samples.map((sample) => matchingPoint(sample, patch));
  return `${lines.join("")}${patches.join("")}<g transform="translate(${right} 0)">${points.join("")}</g>`;
}

export interface LocalPairs {
  readonly local: NamedTile;
  /** -> g1, -> g2 */
  readonly pairs: readonly [SampledPair, SampledPair];
  readonly targets: readonly [Tile, Tile];
}

/** A local crop and, smaller in scale, both global crops with its matches. */
export function localPanel({ local, pairs, targets }: LocalPairs, gap: number): Panel {
  const [there] = pairs;
  const patch = local.tile.width / there.source.grid.side;
  const shown = sourceMarks(pairs);
  const source = windows(there.source, patch) + shown.map((sample) => sampledPatch(sample, patch)).join("");
  const first = local.tile.width + gap;
  const second = first + targets[0].width + gap;
  return arranged([
    { panel: caption(local.name, "", local.tile.width), left: 0, top: 0 },
    { panel: marked(local.tile, source), left: 0, top: CAPTION },
    { panel: caption(G1, "", targets[0].width), left: first, top: 0 },
    { panel: marked(targets[0], matches(pairs[0], targets[0])), left: first, top: CAPTION },
    { panel: caption(G2, "", targets[1].width), left: second, top: 0 },
    { panel: marked(targets[1], matches(pairs[1], targets[1])), left: second, top: CAPTION },
  ]);
}

/** Hollow only where neither of the global crops shows the place. */
function sourceMarks([one, other]: LocalPairs["pairs"]): SampledPair["samples"] {
  return one.samples.map((sample, index) =>
    sample.match === null ? (other.samples[index] ?? sample) : sample,
  );
}

function matches({ samples, targetSide }: SampledPair, { width }: Tile): string {
  return veil(width) + samples.map((sample) => matchingPoint(sample, width / targetSide)).join("");
}

function marked(tile: Tile, marks: string): Panel {
  return { width: tile.width, height: tile.height, tiles: [tile], marks };
}

function caption(name: CropName, text: string, width: number): Panel {
  const letters = { text, x: tabWidth(name) + 8, y: 14.5, size: 12, colour: INK };
  return drawing(width, CAPTION, tab(name, 0, 0) + lettering(letters));
}
