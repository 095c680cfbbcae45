import { expect, test } from "vitest";
import { loadAddon } from "../../ts/native/load-addon.js";
import { openLibtorch } from "../../ts/native/open-libtorch.js";

test("libtorch is opened once per process", () => {
  const opened = openLibtorch();
  expect(opened.libtorch.version).toMatch(/^2\.11\.0/);
  expect(openLibtorch()).toBe(opened);
});

test("the addon loads with no LD_LIBRARY_PATH and is loaded once", () => {
  expect(process.env.LD_LIBRARY_PATH ?? "").toBe("");
  const addon = loadAddon<Record<string, unknown>>();
  expect(Object.keys(addon).length).toBeGreaterThan(0);
  expect(loadAddon()).toBe(addon);
});
