/** A run on a disk that fills up: it goes on, keeps what is whole, and comes to the same end once there is room. */
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { noSmallDisk, smallDisk } from "../run/small-disk.js";
import { udiNative } from "./command.js";
import { sharedFolder, writePhotos, writeTinyConfig } from "./photos.js";
import { checkpoints, computed } from "./run-files.js";

const folder = sharedFolder();

test.skipIf(noSmallDisk !== null)(
  `a disk that is full costs no step (${noSmallDisk ?? "a tmpfs"})`,
  async () => {
    const [tiny, photos, whole] = [writeTinyConfig(folder), join(folder, "photos"), join(folder, "whole")];
    await writePhotos(photos, 48);
    const train = (run: string, ...more: string[]) =>
      udiNative("train", tiny, "--data", photos, "--out", run, ...more);
    expect((await train(whole)).status).toBe(0);
    const state = statSync(join(whole, "checkpoints", "36", "state.safetensors")).size;

    using disk = smallDisk(Math.round(8.5 * state));
    const run = join(disk.folder, "run");
    const often = ["--set", "checkpoint.everySteps=1"]; // room for about eight of 36
    const full = await train(run, ...often);
    expect(full.status).toBe(1);
    const kept = checkpoints(run);
    const last = kept.at(-1) as number;
    expect(kept.length).toBeGreaterThan(5);
    expect(full.stderr).toMatch(
      new RegExp(
        `remark: the checkpoint of step ${last + 1} cannot be written and the run goes on; the last good one is .*/${last}: .*No space left`,
      ),
    );
    expect(full.stderr).toContain("step 36/36");
    expect(full.stderr).toMatch(
      /error: step 36: expected to leave a checkpoint in .*No space left on device.*; it takes \d+ bytes/,
    );
    expect(full.stderr).toMatch(
      /hint: make room on the disk of .*, where [\d.]+ \w+ are free, .* go on with --resume/,
    );

    for (const step of kept.slice(0, 4)) rmSync(join(run, "checkpoints", String(step)), { recursive: true });
    const mended = await train(run, "--resume", "--set", "checkpoint.keepLast=2");
    expect(mended.status).toBe(0);
    expect(mended.stderr).toContain(`from step ${last} on`);
    expect(computed(run)).toEqual(computed(whole));
  },
);
