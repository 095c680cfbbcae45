/** The classes of the quickstart data: combinations in which every shape, texture and palette is shared. */

export type Shape = "circle" | "square" | "triangle" | "star" | "ring" | "cross";
export type Texture = "stripes" | "dots" | "checks" | "waves" | "halves" | "grid";
export type Palette = "warm" | "cool" | "leaf" | "melon" | "dusk" | "flag";

export interface QuickstartClass {
  /** Name of its folder. */
  readonly name: string;
  readonly shape: Shape;
  readonly texture: Texture;
  readonly palette: Palette;
}

/** Each shape, texture and palette twice: no single one of them tells the class. */
const COMBINATIONS: readonly (readonly [Shape, Texture, Palette])[] = [
  ["circle", "stripes", "warm"],
  ["cross", "dots", "warm"],
  ["circle", "checks", "cool"],
  ["star", "halves", "cool"],
  ["square", "dots", "leaf"],
  ["ring", "stripes", "leaf"],
  ["triangle", "checks", "melon"],
  ["ring", "waves", "melon"],
  ["star", "grid", "dusk"],
  ["triangle", "halves", "dusk"],
  ["square", "waves", "flag"],
  ["cross", "grid", "flag"],
];

export const QUICKSTART_CLASSES: readonly QuickstartClass[] = COMBINATIONS.map(
  ([shape, texture, palette]) => ({
    name: `${palette}-${texture}-${shape}`,
    shape,
    texture,
    palette,
  }),
);
