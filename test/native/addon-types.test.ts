import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../ts/native/package-root.js";

test("the addon's declarations are those that its build generates: cp dist/addon/index.d.ts ts/native/addon.d.ts", () => {
  const generated = readFileSync(join(packageRoot, "dist", "addon", "index.d.ts"), "utf8");
  expect(readFileSync(join(packageRoot, "ts", "native", "addon.d.ts"), "utf8")).toBe(generated);
});
