/** Nothing that a caller passes may end the process, hang it, or leave an engine that no longer works. */
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeAll, expect, test } from "vitest";
import { openEncoder } from "../../ts/native/encoder.js";
import {
  type Native,
  neighbourVote,
  openEngine,
  principalComponents,
  renderEvaluationViews,
  renderViews,
} from "../../ts/native/engine.js";
import { temporaryFolder } from "./fake-libtorch.js";
import { AT, OPTIONS, SHAPE, smallBatch } from "./small-engine.js";
import { smallImages, smallRecipes } from "./small-views.js";

let native: Native;

beforeAll(async () => {
  native = await openEngine(OPTIONS);
  return () => native.close();
});

/** A wild learning rate may have spoilt the weights, but the engine must still answer. */
afterEach(async () => {
  const views = { images: 1, size: 16, pixels: new Uint8Array(768) };
  expect(await native.embed(views)).toHaveLength(OPTIONS.model.width);
});

/** Arrays and objects that are not what they seem. */
const TRAPS: readonly (() => unknown)[] = [
  () => Object.defineProperty(new Uint8Array(4), "length", { value: 2 ** 40 }),
  () => Object.defineProperty(new Uint8Array(3072), "length", { value: 1 }),
  () => {
    const array = new Uint8Array(3072);
    structuredClone(array, { transfer: [array.buffer] });
    return array;
  },
  () => new Uint8Array(new SharedArrayBuffer(3072)),
  () => new Uint8Array(Reflect.construct(ArrayBuffer, [3072, { maxByteLength: 4096 }])),
  () => new Uint8ClampedArray(3072),
  () => new Float32Array(3072).fill(Number.NaN),
  () => new Int32Array(12).fill(-(2 ** 31)),
  () => new Int32Array(12).fill(2 ** 31 - 1),
  () => new BigInt64Array(4),
  () => new DataView(new ArrayBuffer(3072)),
  () => Object.create(Uint8Array.prototype),
  () => new Proxy(new Uint8Array(3072), {}),
  () => new Array(2 ** 32 - 1),
  () => Object.assign([], { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 0 }) }) }),
  () => ({ length: 2 ** 53 }),
  () => new Proxy([], { get: () => 7 }),
  () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    return proxy;
  },
  () =>
    new Proxy(
      {},
      {
        get() {
          throw new Error("a getter of the caller");
        },
      },
    ),
  () => ({ toString: null, valueOf: null, toJSON: () => new Error() }),
  () => Symbol("s"),
  () => 2n ** 70n,
  () => () => undefined,
  () => Promise.reject(new Error("a promise of the caller")).catch(() => undefined),
  () => new Date(Number.NaN),
];

/** No plausible count is among them: a large one would be a large model, not a wrong one. */
const NUMBERS = [
  Number.NaN,
  Infinity,
  -Infinity,
  -1,
  -0,
  0,
  0.5,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 63,
  1e300,
  5e-324,
];

const notANumber = fc
  .anything({ withTypedArray: true, withBigInt: true, withSparseArray: true, withNullPrototype: true })
  .filter((value) => typeof value !== "number");
/** Made only when it is used: fast-check itself looks into the values that it hands out. */
const anything: fc.Arbitrary<() => unknown> = fc.oneof(
  notANumber.map((value) => () => value),
  fc.constantFrom(...NUMBERS).map((value) => () => value),
  fc.constantFrom(...TRAPS),
);

/** Every path to a value inside plain objects and arrays. */
function paths(value: unknown, to: readonly string[] = []): string[][] {
  const isLeaf = typeof value !== "object" || value === null || ArrayBuffer.isView(value);
  const inner = isLeaf ? [] : Object.entries(value).flatMap(([key, part]) => paths(part, [...to, key]));
  return to.length === 0 ? inner : [[...to], ...inner];
}

/** The same value with one part of it replaced. */
function replaced(value: unknown, [key, ...rest]: readonly string[], part: unknown): unknown {
  if (key === undefined) return part;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value)
    ? [...value]
    : { ...(value as object) };
  (copy as Record<string, unknown>)[key] = replaced((copy as Record<string, unknown>)[key], rest, part);
  return copy;
}

/** Calls with one part of good arguments replaced by anything; each must settle, and reject with an error if it rejects. */
function survives(good: readonly unknown[], call: (...values: never[]) => Promise<unknown>, runs = 400) {
  const place = fc.constantFrom(...paths(good));
  return fc.assert(
    fc.asyncProperty(place, anything, async (path, make) => {
      const values = replaced(good, path, make()) as never[];
      const [outcome] = await Promise.allSettled([call(...values)]);
      if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(Error);
    }),
    { numRuns: runs },
  );
}

test("a step survives anything in any place of its arguments", async () => {
  await survives([smallBatch(), AT], (batch, at) => native.stepUdi(batch, at));
});

test("a step survives any arguments", async () => {
  await fc.assert(
    fc.asyncProperty(anything, anything, async (batch, at) => {
      await expect(native.stepUdi(batch() as never, at() as never)).rejects.toBeInstanceOf(Error);
    }),
    { numRuns: 300 },
  );
});

test("opening survives anything in any place of its options", async () => {
  await survives(
    [OPTIONS],
    async (options) => {
      await using engine = await openEngine(options);
      return engine;
    },
    300,
  );
});

test("rendering survives anything in any place of its arguments", async () => {
  await survives([SHAPE, smallImages(), smallRecipes()], async (shape, images, recipes) => {
    using views = await renderViews(shape, images, recipes);
    await native.stepUdi(views, AT);
  });
});

test("evaluation views survive anything in any place of their arguments", async () => {
  await survives([smallImages(), { resizeTo: 20, crop: 16 }], renderEvaluationViews);
});

test("embedding survives anything in any place of its arguments", async () => {
  const views = { images: 1, size: 16, pixels: new Uint8Array(768) };
  await survives([views, "teacher"], (given, network) => native.embed(given, network));
});

test("an inspection survives anything in any place of its arguments", async () => {
  await survives([smallBatch(), 0.05], async (given, temperature) => {
    const inspection = native.inspection();
    await inspection.add(given);
    return inspection.report(temperature);
  });
});

test("tokens and attention survive anything in any place of their arguments", async () => {
  const batch = { images: 1, height: 16, width: 12, pixels: new Uint8Array(3 * 16 * 12) };
  await survives([batch, "teacher"], (given, network) => native.tokens(given, network), 200);
  await survives([batch, "student"], (given, network) => native.attention(given, network), 200);
});

test("an encoder survives anything in any place of its arguments", async () => {
  const file = join(temporaryFolder(), "state.safetensors");
  // Not of the engine above: its weights have been through hostile steps.
  await using sound = await openEngine(OPTIONS);
  await sound.save(file);
  const options = { file, network: "teacher", heads: 2, device: "cpu", precision: "fp32", threads: 1 };
  await survives([options], async (given) => (await openEncoder(given)).close());
  await using encoder = await openEncoder(options as never);
  const batch = { images: 1, height: 16, width: 20, pixels: new Uint8Array(960) };
  await survives([batch, ["cls", "patches"]], (given, features) => encoder.features(given, features));
  await survives([batch, { blocks: 1, patches: true }], (given, wanted) => encoder.pooled(given, wanted));
  await survives([batch, 1], (given, blocks) => encoder.layers(given, blocks));
  await survives([batch, "all"], (given, queries) => encoder.attention(given, queries));
});

test("the vote survives anything in any place of its arguments", async () => {
  const vote = {
    train: new Float32Array(12),
    trainLabels: Int32Array.of(0, 1, 2),
    test: new Float32Array(8),
    testLabels: Int32Array.of(0, 1),
    width: 4,
    classes: 3,
    neighbours: [1, 2],
    temperature: 0.07,
  };
  await survives([vote], neighbourVote);
});

test("components survive anything in any place of their arguments", async () => {
  await survives([{ vectors: new Float32Array(12), width: 4, components: 2 }], principalComponents);
});

test("state files survive any name", async () => {
  await fc.assert(
    fc.asyncProperty(anything, async (make) => {
      const name = make();
      await expect(native.load(name as string)).rejects.toBeInstanceOf(Error);
      if (typeof name !== "string") await expect(native.save(name as string)).rejects.toBeInstanceOf(Error);
    }),
    { numRuns: 200 },
  );
});

test("methods called on something else are refused", async () => {
  const { stepUdi, close } = native;
  for (const other of [{}, null, undefined, Object.create(native)]) {
    await expect(stepUdi.call(other as never, smallBatch(), AT)).rejects.toBeInstanceOf(TypeError);
    await expect(close.call(other as never)).rejects.toBeInstanceOf(TypeError);
  }
});

test("a getter that closes the engine while a step is asked for makes the step an error", async () => {
  const engine = await openEngine(OPTIONS);
  const batch = smallBatch();
  const hostile = {
    ...batch,
    get maps() {
      void engine.close();
      return batch.maps;
    },
  };
  await expect(engine.stepUdi(hostile, AT)).rejects.toThrow(
    "native: expected an open engine, received one that is closed",
  );
});
