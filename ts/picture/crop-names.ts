/** What the crops of an image are called and how they are told apart. */
import { LOCAL, STUDENT, TEACHER } from "./palette.js";

export interface CropName {
  readonly text: string;
  readonly colour: string;
}

export const G1: CropName = { text: "g1", colour: STUDENT };
export const G2: CropName = { text: "g2", colour: TEACHER };

/** By its number from 0 on. */
export function localName(number: number): CropName {
  return { text: `${number + 1}`, colour: LOCAL };
}
