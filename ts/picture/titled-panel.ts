/** A title with lines of facts above a panel. */
import { fitted, lettering } from "./lettering.js";
import { FAINT_INK, INK } from "./palette.js";
import { below, drawing, type Panel } from "./panel.js";

/** Height of a line of facts. */
const LINE = 19;

export interface Heading {
  readonly title: string;
  readonly facts: readonly string[];
}

/** Lines that are wider than the panel lose their middle. */
export function titledPanel({ title, facts }: Heading, panel: Panel): Panel {
  const { width } = panel;
  const words = [
    lettering({ text: fitted(title, 20, width, "bold"), x: 0, y: 17, size: 20, colour: INK, weight: "bold" }),
    ...facts.map((text, at) =>
      lettering({ text: fitted(text, 13, width), x: 0, y: 40 + at * LINE, size: 13, colour: FAINT_INK }),
    ),
  ];
  return below([drawing(width, 26 + facts.length * LINE, words.join("")), panel], 16);
}

/** A line under a picture, no wider than it. */
export function caption(text: string, width: number, style: "strong" | "plain" | "faint"): Panel {
  const weight = style === "strong" ? "bold" : "regular";
  const colour = style === "faint" ? FAINT_INK : INK;
  return drawing(
    width,
    16,
    lettering({ text: fitted(text, 12, width, weight), x: 0, y: 12, size: 12, colour, weight }),
  );
}
