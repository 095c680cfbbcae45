/** Run by process-exit.test.ts in a process of its own: `node exit-scenario.mjs <scenario>`. Uses the built package. */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { machine, nativeImage, openEngine, openViewBatch } from "../../dist/native/engine.js";
import { settleOptions } from "../../dist/native/open-native.js";

const HEAD = { prototypes: 512, hiddenWidth: 256, bottleneckWidth: 64 };
const SHAPE = { width: 96, depth: 4, heads: 2, patchSize: 8, imageSize: 64, classTokens: 1, includePatch: false };
const OPTIONS = settleOptions(
  { model: { arch: "vit_tiny", ...SHAPE, head: HEAD }, device: "cpu", precision: "fp32", seed: 0, threads: 1 },
  await machine(),
);
const AT = {
  learningRate: 1e-3,
  weightDecay: 0.04,
  momentum: 0.99,
  teacherTemperature: 0.05,
  freezeLastLayer: false,
};
const images = 8;
const BATCH = {
  images,
  globalSize: 64,
  localCrops: 0,
  localSize: 0,
  globalViews: new Uint8Array(2 * images * 3 * 64 * 64),
  localViews: new Uint8Array(),
  maps: null,
};

const step = (engine) => engine.stepUdi(BATCH, AT);
const soon = (action) => setTimeout(action, 20);

/** Starts more steps than will be done before the scenario ends. */
function keepBusy(engine) {
  for (let count = 0; count < 200; count++) step(engine).catch(() => undefined);
}

/** Starts more views than will be made before the scenario ends. */
function keepRendering() {
  const image = nativeImage(new Uint8Array(3 * 500 * 500), 500, 500);
  const crop = { top: 0, left: 0, height: 500, width: 500 };
  const jitter = [{ kind: "hue", shift: 0.1 }];
  const colour = { jitter, grayscale: false, blurRadius: 2, solarizeThreshold: null };
  const view = { crop, size: 1024, flipped: false, ...colour };
  const filling = openViewBatch({ images: 50, globalSize: 1024, localCrops: 0, localSize: 0 });
  for (let place = 0; place < 50; place++) {
    filling.fill(place, image, { globals: [view, view], locals: [], maps: null }).catch(() => undefined);
  }
}

const SCENARIOS = {
  async "left open"() {
    await step(await openEngine(OPTIONS));
  },
  async "exit while it computes"() {
    keepBusy(await openEngine(OPTIONS));
    soon(() => process.exit(3));
  },
  async "exit while it opens"() {
    openEngine(OPTIONS);
    setImmediate(() => process.exit(4));
  },
  async "exit while it renders"() {
    keepRendering();
    soon(() => process.exit(6));
  },
  async "uncaught while it computes"() {
    keepBusy(await openEngine(OPTIONS));
    soon(() => {
      throw new Error("a defect of the caller");
    });
  },
  async "pending work keeps the process"() {
    const engine = await openEngine(OPTIONS);
    step(engine).then(({ step: number }) => console.log(`step ${number}`));
  },
  async "forgotten while it computes"() {
    keepBusy(await openEngine(OPTIONS));
    global.gc();
    soon(() => global.gc());
    soon(() => process.exit(5));
  },
  async "a worker is ended while it computes"() {
    const worker = new Worker(new URL(import.meta.url), { workerData: "exit while it computes" });
    await new Promise((resolve) => worker.once("exit", resolve));
    const other = new Worker(new URL(import.meta.url), { workerData: "keep computing" });
    await new Promise((resolve) => other.once("message", resolve));
    await other.terminate();
    const engine = await openEngine(OPTIONS);
    console.log(`step ${(await step(engine)).step}`);
    await engine.close();
  },
  async "keep computing"() {
    keepBusy(await openEngine(OPTIONS));
    soon(() => parentPort.postMessage("busy"));
  },
};

await SCENARIOS[isMainThread ? process.argv[2] : workerData]();
