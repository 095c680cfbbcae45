/** Labels of the probe: what both parts of the data must agree on. */
import type { ImageSource } from "../../dataset/image-source.js";
import { DataError } from "../../errors.js";

/** Throws DataError where a part has no classes, where there are fewer than two, or where the parts have different ones. */
export function requireSameClasses(train: ImageSource, val: ImageSource): void {
  for (const { classes, root } of [train, val]) {
    if (classes.length > 0) continue;
    throw new DataError(
      `data folder ${root}: the linear probe needs labels, but it was read as a flat folder`,
      {
        hint: "give a folder with one sub-folder for each class",
      },
    );
  }
  if (train.classes.length < 2)
    throw new DataError(`data folder ${train.root}: expected at least two classes, received one`);
  requireAll(train, val);
  requireAll(val, train);
}

/** Every class of `of` is there in `other` too. */
function requireAll(of: ImageSource, other: ImageSource): void {
  const there = new Set(other.classes);
  const missing = of.classes.filter((name) => !there.has(name));
  if (missing.length === 0) return;
  const named = missing
    .slice(0, 3)
    .map((name) => `"${name}"`)
    .join(", ");
  const rest = missing.length > 3 ? ` and ${missing.length - 3} more` : "";
  throw new DataError(
    `data folder ${other.root}: expected the ${of.classes.length} classes of ${of.root}, ${named}${rest} missing`,
    { hint: "both parts need the same class folders, each with at least one image" },
  );
}
