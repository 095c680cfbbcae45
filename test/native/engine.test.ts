import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ArgumentError, NonFiniteLossError, RunError, UdiError } from "../../ts/errors.js";
import { type Native, openEngine } from "../../ts/native/engine.js";
import type { NativeOptions } from "../../ts/native/types.js";
import { AT, OPTIONS, SHAPE, smallBatch, temporaryFile } from "./small-engine.js";

let native: Native;

beforeAll(async () => {
  native = await openEngine(OPTIONS);
});

afterAll(() => native.close());

/** What a step says, without its time. */
async function stepOf(engine: Native, batch = smallBatch()) {
  const { seconds: _, ...report } = await engine.stepUdi(batch, AT);
  return report;
}

describe("a step", () => {
  test("reports step, losses, terms, gradient norm and time", async () => {
    await using engine = await openEngine(OPTIONS);
    const report = await engine.stepUdi(smallBatch(), AT);
    expect(report).toMatchObject({ step: 1, skipped: false, lossScale: 1 });
    expect(Object.keys(report.levels)).toEqual(["cls", "clsPlus", "patch"]);
    expect(Object.keys(report.terms)).toEqual([
      "globalCls",
      "globalClsPlus",
      "globalPatch",
      "localCls",
      "localClsPlus",
    ]);
    const levels = Object.values(report.levels);
    expect(report.loss).toBeCloseTo(levels.reduce((sum, loss) => sum + loss, 0) / levels.length, 6);
    expect(report.gradientNorm).toBeGreaterThan(0);
    expect(report.seconds).toBeGreaterThan(0);
  });

  test("is the same for the same seed and batch", async () => {
    await using first = await openEngine(OPTIONS);
    await using second = await openEngine(OPTIONS);
    expect(await stepOf(first)).toEqual(await stepOf(second));
  });

  test("in parts, with blocks computed again, is the step of the whole batch", async () => {
    const model = { ...OPTIONS.model, checkpointBlocks: true };
    const optimizer = { ...OPTIONS.optimizer, accumulate: SHAPE.images };
    await using saving = await openEngine({ ...OPTIONS, model, optimizer });
    await using plain = await openEngine(OPTIONS);
    const [ofParts, ofWhole] = [await stepOf(saving), await stepOf(plain)];
    expect(ofParts.loss).toBeCloseTo(ofWhole.loss, 5);
    expect(ofParts.gradientNorm / ofWhole.gradientNorm).toBeCloseTo(1, 6);
    const odd = { ...OPTIONS, optimizer: { ...OPTIONS.optimizer, accumulate: 3 } };
    await using uneven = await openEngine(odd);
    const error = await uneven.stepUdi(smallBatch(), AT).catch((reason) => reason);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toBe("images: expected a multiple of optimizer.accumulate 3, received 2");
  });

  test("takes normalised floats as well as bytes", async () => {
    const [mean, deviation] = [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ] as const;
    const normalised = (bytes: Uint8Array | Float32Array, side: number) =>
      Float32Array.from(bytes, (byte, place) => {
        const channel = Math.floor(place / side ** 2) % 3;
        return (byte / 255 - (mean[channel] ?? 0)) / (deviation[channel] ?? 1);
      });
    const bytes = smallBatch();
    const floats = {
      ...bytes,
      globalViews: normalised(bytes.globalViews, SHAPE.globalSize),
      localViews: normalised(bytes.localViews, SHAPE.localSize),
    };
    await using first = await openEngine(OPTIONS);
    await using second = await openEngine(OPTIONS);
    const [ofBytes, ofFloats] = [await stepOf(first, bytes), await stepOf(second, floats)];
    expect(ofFloats.loss).toBeCloseTo(ofBytes.loss, 5);
  });

  test("has copied the arrays when it returns its promise", async () => {
    await using first = await openEngine(OPTIONS);
    await using second = await openEngine(OPTIONS);
    const batch = smallBatch();
    const pending = stepOf(first, batch);
    structuredClone(batch.globalViews, { transfer: [batch.globalViews.buffer as ArrayBuffer] });
    batch.localViews.fill(0);
    expect(batch.globalViews).toHaveLength(0);
    expect(await pending).toEqual(await stepOf(second));
  });

  test("works without local crops, and without a patch level", async () => {
    const { maps: _, ...views } = smallBatch();
    await using whole = await openEngine(OPTIONS);
    const { maps } = smallBatch();
    const none = { tokens: new Int32Array(), weights: new Float32Array() };
    const noLocals = { ...views, localCrops: 0, localSize: 0, localViews: new Uint8Array() };
    const report = await whole.stepUdi(
      { ...noLocals, maps: maps === null ? null : { ...maps, localTarget: none } },
      AT,
    );
    expect(Object.keys(report.terms)).not.toContain("localCls");
    const model = { ...OPTIONS.model, includePatch: false, classTokens: 1 } as const;
    await using flat = await openEngine({ ...OPTIONS, model });
    const flatReport = await flat.stepUdi({ ...views, maps: null }, AT);
    expect(Object.keys(flatReport.levels)).toEqual(["cls"]);
  });
});

describe("a wrong argument is refused by name", () => {
  const batch = smallBatch();
  test.each([
    [
      { ...batch, globalViews: new Uint8Array(5) },
      "globalViews: expected 3072 values of shape [2, 2, 3, 16, 16], received Uint8Array of length 5",
    ],
    [
      { ...batch, localViews: new Float64Array(384) },
      "localViews: expected a Uint8Array or a Float32Array, received Float64Array of length 384",
    ],
    [{ ...batch, images: 2.5 }, "images: expected a whole number from 1 to 2147483647, received 2.5"],
    [
      { ...batch, globalSize: Number.NaN },
      "globalSize: expected a whole number from 1 to 2147483647, received NaN",
    ],
    [{ ...batch, maps: null }, /maps/],
    [
      { ...batch, maps: { ...batch.maps, globalSource: new Int32Array(12).fill(99) } },
      /maps\.globalSource.*expected.*99/,
    ],
    [
      { ...batch, maps: { ...batch.maps, globalSource: [] } },
      "maps.globalSource: expected an Int32Array, received an array of length 0",
    ],
    [null, "batch: expected an object, received null"],
  ])("batch %#", async (wrong, message) => {
    const error = await native.stepUdi(wrong as never, AT).catch((reason) => reason);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toMatch(message);
  });

  test.each([
    [{ ...AT, learningRate: Number.NaN }, "learningRate: expected a finite number, received NaN"],
    [{ ...AT, learningRate: -1 }, /learningRate: expected .*, received -1/],
    [{ ...AT, momentum: 1.5 }, /momentum: expected .*\[0, 1\].*, received 1.5/],
    [{ ...AT, teacherTemperature: 0 }, /teacherTemperature: expected .*, received 0/],
    [{ ...AT, freezeLastLayer: 1 }, "freezeLastLayer: expected true or false, received 1"],
  ])("schedule %#", async (wrong, message) => {
    const error = await native.stepUdi(smallBatch(), wrong as never).catch((reason) => reason);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toMatch(message);
  });

  const { model } = OPTIONS;
  test.each([
    [
      { ...OPTIONS, model: { ...model, heads: 3 } },
      /model\.heads: expected a divisor of the width 16, received 3/,
    ],
    [{ ...OPTIONS, model: { ...model, width: 2 ** 31 } }, /model\.width: expected .*, received 2147483648/],
    [{ ...OPTIONS, model: { ...model, depth: 0 } }, /model\.depth: expected .*, received 0/],
    [
      { ...OPTIONS, optimizer: { ...OPTIONS.optimizer, accumulate: 0 } },
      /optimizer\.accumulate: expected a whole number from 1 to \d+, received 0/,
    ],
    [
      { ...OPTIONS, model: { ...model, checkpointBlocks: "yes" as never } },
      'model.checkpointBlocks: expected true or false, received "yes"',
    ],
    [{ ...OPTIONS, device: "tpu" }, 'device: expected cpu, cuda or cuda:<index>, received "tpu"'],
    [{ ...OPTIONS, device: "cuda:9999" }, /device: expected .*, received "cuda:9999"/],
    [{ ...OPTIONS, threads: 100_000 }, "threads: expected a whole number from 0 to 512, received 100000"],
    [{ ...OPTIONS, seed: -1 }, /seed: expected a whole number from 0 to .*, received -1/],
    [{ ...OPTIONS, precision: "fp8" }, 'precision: expected fp32, bf16, fp16, received "fp8"'],
  ])("options %#", async (wrong, message) => {
    const error = await openEngine(wrong as NativeOptions).catch((reason) => reason);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toMatch(message);
  });

  test("views to embed", async () => {
    const views = { images: 1, size: 16, pixels: new Uint8Array(767) };
    await expect(native.embed(views)).rejects.toThrow(
      "views.pixels: expected 768 values of shape [1, 3, 16, 16], received Uint8Array of length 767",
    );
    const fits = { images: 1, size: 16, pixels: new Uint8Array(768) };
    await expect(native.embed(fits, "pupil" as never)).rejects.toThrow(
      'network: expected teacher, student, received "pupil"',
    );
  });
});

test("the engine goes on after any refusal", async () => {
  await native.stepUdi({ ...smallBatch(), globalViews: new Uint8Array() }, AT).catch(() => undefined);
  const report = await native.stepUdi(smallBatch(), AT);
  expect(report.loss).toBeGreaterThan(0);
});

test("steps asked for at once get each their own report, around one whose loss is not finite", async () => {
  await using inTurn = await openEngine(OPTIONS);
  await using atOnce = await openEngine(OPTIONS);
  const poisoned = {
    ...smallBatch(2),
    globalViews: new Float32Array(smallBatch().globalViews.length).fill(NaN),
  };
  const batches = [smallBatch(1), poisoned, smallBatch(3)];
  const outcome = (engine: Native, batch: typeof poisoned | ReturnType<typeof smallBatch>) =>
    stepOf(engine, batch).catch((error: Error) => error.message);
  const expected = [];
  for (const batch of batches) expected.push(await outcome(inTurn, batch));
  expect(await Promise.all(batches.map((batch) => outcome(atOnce, batch)))).toEqual(expected);
  expect(expected.map((each) => (typeof each === "string" ? each : each.step))).toEqual([
    1,
    expect.stringMatching(/^step 2: expected a finite loss/),
    2,
  ]);
});

test("an engine in fp16 begins with the loss scale that it is given", async () => {
  const optimizer = { ...OPTIONS.optimizer, lossScale: 1 };
  await using engine = await openEngine({ ...OPTIONS, optimizer, precision: "fp16" });
  expect(await engine.stepUdi(smallBatch(), AT)).toMatchObject({ lossScale: 1, skipped: false });
  const endless = { ...optimizer, lossScale: 0 };
  const error = await openEngine({ ...OPTIONS, optimizer: endless }).catch((reason) => reason);
  expect(error).toBeInstanceOf(ArgumentError);
  expect(error.message).toMatch(/^optimizer\.lossScale: expected a number from /);
});

test("a loss that is not finite is an error that names step and term, and changes nothing", async () => {
  await using engine = await openEngine(OPTIONS);
  await using twin = await openEngine(OPTIONS);
  const views = new Float32Array(smallBatch().globalViews.length).fill(Number.NaN);
  const error = await engine.stepUdi({ ...smallBatch(), globalViews: views }, AT).catch((reason) => reason);
  expect(error).toBeInstanceOf(NonFiniteLossError);
  expect(error.message).toMatch(/step 1: .*NaN.*global/);
  expect(await stepOf(engine)).toEqual(await stepOf(twin));
});

test("features are one row of the model's width for each image, of the teacher unless asked otherwise", async () => {
  await using engine = await openEngine(OPTIONS);
  await engine.stepUdi(smallBatch(), { ...AT, learningRate: 0.1 });
  const pixels = smallBatch().globalViews.slice(0, 2 * 3 * 256);
  const views = { images: 2, size: 16, pixels };
  const teacher = await engine.embed(views);
  const student = await engine.embed(views, "student");
  expect(teacher).toBeInstanceOf(Float32Array);
  expect(teacher).toHaveLength(2 * OPTIONS.model.width);
  expect(await engine.embed(views, "teacher")).toEqual(teacher);
  expect(student).not.toEqual(teacher);
});

test("the memory of a device is null where the engine computes on the CPU", async () => {
  expect(await native.peakDeviceBytes()).toBeNull();
});

describe("a record", () => {
  test("holds the operations of the calls that were made meanwhile, as Chrome's trace events", async () => {
    const file = temporaryFile("trace.json");
    await native.traced(file, () => native.stepUdi(smallBatch(), AT));
    const { traceEvents } = JSON.parse(readFileSync(file, "utf8"));
    const names = new Set(traceEvents.map(({ name }: { name: string }) => name));
    expect(names).toContain("aten::index_select");
    expect([...names].filter((name) => /^aten::.*mm$/.test(name as string))).not.toEqual([]);
    expect(traceEvents.some(({ ph, dur }: { ph: string; dur: number }) => ph === "X" && dur >= 0)).toBe(true);
  });

  test("ends with calls that fail, whose error it passes on", async () => {
    const file = temporaryFile("trace-of-failure.json");
    const failing = native.traced(file, async () => {
      throw new Error("not made");
    });
    await expect(failing).rejects.toThrow("not made");
    expect(existsSync(file)).toBe(true);
    await native.traced(file, () => native.stepUdi(smallBatch(), AT));
  });

  test("cannot begin within another, of another engine neither", async () => {
    await using other = await openEngine(OPTIONS);
    const expected = "trace: expected one record at a time in a process, received another";
    await native.traced(temporaryFile("outer.json"), async () => {
      const inner = temporaryFile("inner.json");
      for (const engine of [native, other]) {
        const error = await engine.traced(inner, async () => {}).catch((reason) => reason);
        expect(error).toBeInstanceOf(ArgumentError);
        expect(error.message).toBe(expected);
      }
      expect(existsSync(inner)).toBe(false);
    });
  });

  test("that cannot be written is one error that names the file", async () => {
    const file = join(temporaryFile("no-folder"), "trace.json");
    const error = await native.traced(file, async () => {}).catch((reason) => reason);
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(`${file} cannot be written: No such file or directory`);
  });
});

describe("state files", () => {
  test("a saved engine goes on as if it had not stopped", async () => {
    const file = temporaryFile("state.safetensors");
    await using first = await openEngine(OPTIONS);
    await first.stepUdi(smallBatch(1), AT);
    await first.save(file);
    const expected = await stepOf(first);
    await using second = await openEngine({ ...OPTIONS, seed: OPTIONS.seed });
    await second.load(file);
    expect(await stepOf(second)).toEqual(expected);
  });

  test("a state is that of the moment when it was asked for, though steps follow before it is written", async () => {
    const [beside, waited] = [temporaryFile("beside.safetensors"), temporaryFile("waited.safetensors")];
    await using engine = await openEngine(OPTIONS);
    await engine.stepUdi(smallBatch(1), AT);
    const saving = engine.save(beside);
    const stepping = [2, 3, 4].map((seed) => engine.stepUdi(smallBatch(seed), AT));
    const saved = await saving;
    const bytes = readFileSync(beside);
    expect(saved).toEqual({
      sha256: createHash("sha256").update(bytes).digest("hex"),
      bytes: bytes.length,
      copySeconds: expect.any(Number),
    });
    await Promise.all(stepping);
    await using twin = await openEngine(OPTIONS);
    await twin.stepUdi(smallBatch(1), AT);
    expect((await twin.save(waited)).sha256).toBe(saved.sha256);
  });

  test("states that are asked for at once are all written, each whole", async () => {
    await using engine = await openEngine(OPTIONS);
    const files = [1, 2, 3].map((number) => temporaryFile(`${number}.safetensors`));
    const saves = files.flatMap((file, number) => {
      const step = engine.stepUdi(smallBatch(number), AT);
      return [engine.save(file), step.then(() => undefined)];
    });
    await Promise.all(saves);
    const states = files.map((file) => readFileSync(file, "base64"));
    expect(new Set(states).size).toBe(3);
    for (const file of files) await engine.load(file);
  });

  test("closing waits until a state is written", async () => {
    const file = temporaryFile("state.safetensors");
    const engine = await openEngine(OPTIONS);
    const saving = engine.save(file);
    await engine.close();
    expect(existsSync(file)).toBe(true);
    await saving;
  });

  test("a file that is missing, damaged or of another model is refused and changes nothing", async () => {
    await using engine = await openEngine(OPTIONS);
    await using twin = await openEngine(OPTIONS);
    const [damaged, other] = [temporaryFile("damaged.safetensors"), temporaryFile("other.safetensors")];
    writeFileSync(damaged, "not a state");
    await using wide = await openEngine({ ...OPTIONS, model: { ...OPTIONS.model, width: 32 } });
    await wide.save(other);
    for (const file of [temporaryFile("missing.safetensors"), damaged, other]) {
      const error = await engine.load(file).catch((reason) => reason);
      expect(error).toBeInstanceOf(RunError);
      expect(error.message).toContain(file);
    }
    expect(await stepOf(engine)).toEqual(await stepOf(twin));
  });

  test("a file that cannot be written is an error with its reason, and none is left", async () => {
    const file = temporaryFile("missing-folder/state.safetensors");
    const error = await native.save(file).catch((reason) => reason);
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(/missing-folder.*cannot be written: No such file or directory/);
    expect(error.cause).toBeInstanceOf(Error);
    expect(existsSync(file)).toBe(false);
  });

  test("is one safetensors file", async () => {
    const file = temporaryFile("state.safetensors");
    await native.save(file);
    const bytes = readFileSync(file);
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString("utf8"));
    expect(Object.keys(header).length).toBeGreaterThan(10);
  });

  test.each(["", "a\0b", 5, undefined])("a name that is none is refused: %j", async (name) => {
    await expect(native.save(name as string)).rejects.toThrow(/^file: expected the path of a file/);
    await expect(native.load(name as string)).rejects.toThrow(/^file: expected the path of a file/);
  });
});

describe("closing", () => {
  test("waits for the calls made before it", async () => {
    const engine = await openEngine(OPTIONS);
    const done: string[] = [];
    const steps = [1, 2, 3].map((seed) =>
      engine.stepUdi(smallBatch(seed), AT).then(({ step }) => done.push(`step ${step}`)),
    );
    await engine.close().then(() => done.push("closed"));
    await Promise.all(steps);
    expect(done).toEqual(["step 1", "step 2", "step 3", "closed"]);
  });

  test("twice is closing once", async () => {
    const engine = await openEngine(OPTIONS);
    await Promise.all([engine.close(), engine.close()]);
    await engine.close();
    await engine[Symbol.asyncDispose]();
  });

  test("makes every later call an error that says so", async () => {
    const engine = await openEngine(OPTIONS);
    await engine.close();
    const views = { images: 1, size: 16, pixels: new Uint8Array(768) };
    const calls = [
      engine.stepUdi(smallBatch(), AT),
      engine.embed(views),
      engine.save(temporaryFile("state.safetensors")),
      engine.load(temporaryFile("state.safetensors")),
    ];
    for (const call of await Promise.allSettled(calls)) {
      const { reason } = call as PromiseRejectedResult;
      expect(reason).toBeInstanceOf(ArgumentError);
      expect(reason.message).toBe("native: expected an open engine, received one that is closed");
    }
  });
});

test("engines side by side do not disturb each other", async () => {
  await using first = await openEngine(OPTIONS);
  await using second = await openEngine(OPTIONS);
  const seeds = [0, 1, 2, 3];
  const reports = await Promise.all(
    [first, second].map((engine) => Promise.all(seeds.map((seed) => stepOf(engine, smallBatch(seed))))),
  );
  expect(reports[0]).toEqual(reports[1]);
});

test("a model that fits in no memory is refused before anything of it is made", async () => {
  const large = [
    { width: 2 ** 24 },
    { imageSize: 2 ** 24 },
    { head: { ...OPTIONS.model.head, prototypes: 2 ** 24, bottleneckWidth: 2 ** 24 } },
    { mlpRatio: 1e300 },
  ];
  for (const part of large) {
    const error = await openEngine({ ...OPTIONS, model: { ...OPTIONS.model, ...part } }).catch((e) => e);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toMatch(/^model: expected one that fits in memory, received about \d+ parameters/);
    expect(error.hint).toMatch(/smaller model/);
  }
});

test("an error of the engine has the stack of its caller", async () => {
  async function caller() {
    await native.load("/nowhere/state.safetensors");
  }
  const error: unknown = await caller().catch((reason) => reason);
  expect(error).toBeInstanceOf(UdiError);
  expect((error as Error).stack).toMatch(/^RunError: .*\n[\s\S]*at .*caller .*engine\.test\.ts/);
});
