/** A run that collapses, as its user sees it. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { udiNative } from "./command.js";
import { sharedFolder, writePhotos, writeTinyConfig } from "./photos.js";

test("a collapse is told while it trains, at its end, and in the list of runs", async () => {
  const folder = sharedFolder();
  const [data, out] = [join(folder, "photos"), join(folder, "runs", "uncentred")];
  await writePhotos(data, 48);
  const args = [writeTinyConfig(folder), "--data", data, "--out", out, "--set", "objective.centerMomentum=1"];
  const { status, stdout, stderr } = await udiNative("train", ...args);
  expect(status).toBe(0);
  const told = stderr.split("\n").filter((line) => line.includes("sign of a collapse"));
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/^remark: sign of a collapse after epoch \d \(one prototype\): /);
  expect(stdout).toMatch(/collapse watch +untrained network +teacher, step 36\neffective rank +\d/);
  expect(stdout).toContain("signs of a collapse: one prototype");
  const runs = await udiNative("runs", join(folder, "runs"));
  expect(runs.stdout).toContain("one prototype");
  const listed = JSON.parse((await udiNative("runs", join(folder, "runs"), "--json")).stdout);
  expect(listed[0].signs).toEqual(["one prototype"]);
});
