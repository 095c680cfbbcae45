/** What the marks of a sheet mean. */
import { G1, G2, localName } from "./crop-names.js";
import { lettering } from "./lettering.js";
import { matchingPoint, sampledPatch } from "./pair-marks.js";
import { FAINT_INK, INK } from "./palette.js";
import { drawing, inRows, type Panel } from "./panel.js";
import { mirrorSign, outline, tab } from "./shapes.js";

const PATCH = 26;
const SIGN_WIDTH = 76;
const ENTRY_HEIGHT = 34;

export interface LegendNeeds {
  readonly hasLocals: boolean;
  readonly hasSamples: boolean;
}

/** As many columns as there is room for. */
export function legend({ hasLocals, hasSamples }: LegendNeeds, room: number): Panel {
  const entries = [
    entry(tab(G1, 0, 4), "global crop of the student"),
    entry(tab(G2, 0, 4), "global crop of the teacher"),
    ...(hasLocals ? [entry(tab(localName(0), 0, 4), "local crops, student only")] : []),
    entry(mirrorSign(2, 7, INK) + box(), "dashed box: mirrored left to right"),
    ...(hasSamples ? sampleEntries() : []),
  ];
  return inRows(entries, room, 4);
}

function sampleEntries(): Panel[] {
  const at = { row: 0, column: 0 };
  const seen = { number: 0, at, match: at };
  const shifted = (mark: string, x: number) => `<g transform="translate(${x} 1)">${mark}</g>`;
  return [
    entry(shifted(sampledPatch(seen, PATCH), 2), "sampled patch, one of each window"),
    entry(shifted(matchingPoint(seen, PATCH), 2), "same place in the other crop"),
    entry(shifted(sampledPatch({ ...seen, match: null }, PATCH), 2), "sampled, but outside the other crop"),
  ];
}

function box(): string {
  return outline({ left: 32, top: 5, width: 34, height: 18 }, { colour: FAINT_INK, width: 2, dashed: true });
}

function entry(sign: string, text: string): Panel {
  const letters = lettering({ text, x: SIGN_WIDTH, y: 19, size: 14, colour: INK });
  return drawing(SIGN_WIDTH + 262, ENTRY_HEIGHT, sign + letters);
}
