/** The patches that hold most of an attention. */
import { ArgumentError } from "../errors.js";
import type { PatchMap } from "./patch-map.js";

/**
 * 1 for the largest values that together hold the share `mass` of the sum, 0 for the others (spec/evaluation.md section
 * 9.1): sorted upwards, a value is kept where the running sum up to it lies above 1 - mass. Throws ArgumentError unless
 * 0 < mass < 1.
 */
export function massMask(map: PatchMap, mass: number): PatchMap {
  if (!(mass > 0 && mass < 1))
    throw new ArgumentError(`threshold: expected a share between 0 and 1, received ${mass}`, {
      hint: "0.6 keeps the patches that hold 60 % of the attention",
    });
  const { values } = map;
  const order = Array.from(values.keys()).sort((a, b) => (values[a] as number) - (values[b] as number));
  const total = values.reduce((sum, value) => sum + value, 0);
  const kept = new Float32Array(values.length);
  let running = 0;
  for (const at of order) {
    running += (values[at] as number) / total;
    kept[at] = running > 1 - mass ? 1 : 0;
  }
  return { ...map, values: kept };
}
