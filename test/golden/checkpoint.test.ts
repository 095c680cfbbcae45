/**
 * The public checkpoints of the golden values. They are too large to come with the project, which holds itself to small
 * files of the same layouts (test/weights); here they are read where UDI_GOLDEN_DIR has them.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openEngine } from "../../ts/native/engine.js";
import { importCheckpoint } from "../../ts/weights/import-checkpoint.js";
import { OPTIONS } from "../native/small-engine.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { readTensors } from "../safetensors-file.js";
import { distance } from "../weights/foreign-files.js";
import { goldenFolder, goldenJson } from "./golden-folder.js";

interface Expected {
  readonly config: { readonly heads: number; readonly srs_heads: number };
  readonly epoch: number;
}

const folder = join(goldenFolder, "checkpoint");

describe.skipIf(!existsSync(folder))("where UDI_GOLDEN_DIR has public checkpoints", () => {
  test("an imported one gives the class tokens of the reference", async () => {
    const { config, epoch } = goldenJson<Expected>("checkpoint/expected.json");
    const expected = readTensors(join(folder, "expected.safetensors"));
    const file = join(folder, "public_layout.pth");
    const out = join(temporaryFolder(), "run");
    const imported = await importCheckpoint({ file, out, heads: config.heads });
    expect(imported.position?.epoch).toBe(epoch);
    const { headsGuessed: _, ...model } = imported.source.model;
    expect(model.srsHeads).toBe(config.srs_heads);
    const head = { ...OPTIONS.model.head, ...model.head, normLastLayer: false };
    await using native = await openEngine({
      ...OPTIONS,
      model: { ...OPTIONS.model, ...model, head, dropPathRate: 0 },
    });
    await native.load(join(imported.checkpoint, "state.safetensors"));
    const { shape, values } = expected.probe_cls_tokens as (typeof expected)[string];
    const [images = 0, tokens = 0, width = 0] = shape;
    const first = values.filter((_, place) => Math.floor(place / width) % tokens === 0);
    const pixels = expected.probe_input?.values as Float32Array;
    const received = await native.embed({ images, size: model.imageSize, pixels });
    expect(distance(received, first)).toBeLessThan(1e-4);
  });
});
