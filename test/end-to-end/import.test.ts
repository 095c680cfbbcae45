/** A public training checkpoint, brought here and trained on by the command line. */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { loadConfig } from "../../ts/config/load.js";
import { scheduleAt } from "../../ts/train/schedules.js";
import { foreign } from "../weights/foreign-files.js";
import { type Ended, udiNative } from "./command.js";
import { sharedFolder, writePhotos } from "./photos.js";
import { checkpoints, computed, metrics } from "./run-files.js";

const folder = sharedFolder();
const photos = join(folder, "photos");
const run = join(folder, "run");
const config = join(run, "config.yaml");
let imported: Ended;
let finished: Ended;

beforeAll(async () => {
  await writePhotos(photos, 13);
  const settings = ["device=cpu", "precision=fp32", "threads=1", "checkpoint.keepLast=9"];
  const set = settings.flatMap((setting) => ["--set", setting]);
  imported = await udiNative("import", foreign("public.pth"), "--out", run, ...set);
  finished = await resume(run);
});

function resume(folder: string): Promise<Ended> {
  return udiNative("train", join(folder, "config.yaml"), "--resume", "--data", photos, "--out", folder);
}

test("an import says what it made and how to go on", () => {
  expect(imported).toMatchObject({ status: 0, stdout: expect.stringContaining(`${config} --resume`) });
  expect(imported.stderr).toContain("model.heads: the file does not say it");
});

test("the run goes on at the epoch of the file, to its end", () => {
  expect(finished).toMatchObject({ status: 0 });
  expect(finished.stderr).toContain("comes from elsewhere: its images are from now on those in");
  const lines = metrics(run);
  expect(lines.map(({ step }) => step)).toEqual([3, 4, 5, 6, 7, 8]);
  expect(lines.map(({ epoch }) => epoch)).toEqual([8, 8, 8, 9, 9, 9]);
  expect(checkpoints(run)).toEqual([2, 5, 8]);
});

test("schedules follow from the epoch and the place in it, not from the steps made elsewhere", () => {
  const { schedule, training } = loadConfig({ file: config });
  const at = scheduleAt({ schedule, training }, { epoch: 7, step: 21, stepsPerEpoch: 3 });
  expect(metrics(run)[0]).toMatchObject({
    learningRate: at.learningRate,
    weightDecay: at.weightDecay,
    momentum: at.momentum,
    teacherTemperature: at.teacherTemperature,
    lossScale: 1,
  });
});

test("an imported run that is resumed again ends with the same bits", async () => {
  const again = join(folder, "again");
  cpSync(run, again, { recursive: true });
  rmSync(join(again, "checkpoints", "8"), { recursive: true });
  expect(await resume(again)).toMatchObject({ status: 0 });
  expect(computed(again)).toEqual(computed(run));
});

test("inspect tells of the file, of the run and of each checkpoint as JSON on stdout", async () => {
  const paths = [foreign("public.pth"), run, join(run, "checkpoints", "2")];
  const told = await Promise.all(paths.map((path) => udiNative("inspect", path, "--json")));
  const inspections = told.map(({ stdout }) => JSON.parse(stdout) as Record<string, unknown>);
  expect(inspections.map(({ kind }) => kind)).toEqual(["training", "run", "checkpoint"]);
  expect(inspections.map(({ epoch }) => epoch)).toEqual([7, 9, 7]);
  expect(inspections[0]?.networks).toEqual(inspections[2]?.networks);
});

test("a hostile file gives one error that names what it wanted, and nothing is made", async () => {
  const file = join(folder, "hostile.pth");
  // The form before torch 1.6; its pickle asks for os.system.
  const head = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.";
  writeFileSync(file, Buffer.from(`${head}\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.`, "latin1"));
  const out = join(folder, "none");
  for (const command of [
    ["import", file, "--out", out],
    ["inspect", file],
  ]) {
    const { status, stdout, stderr } = await udiNative(...command);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("os.system, which is not run");
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringMatching(/^error: /),
      expect.stringContaining("hint: in Python, torch.save(model.state_dict(), FILE)"),
    ]);
  }
  expect(() => readFileSync(out)).toThrow("ENOENT");
});

test("a new run starts from published weights, at its own beginning", async () => {
  const out = join(folder, "started");
  const settings = [
    "model.width=12",
    "model.depth=1",
    "model.heads=3",
    "model.srsHeads=6",
    "model.patchSize=4",
  ];
  const small = ["crops.globalSize=24", "crops.localSize=8", "crops.localCrops=1", "training.epochs=1"];
  const rest = [
    "training.batchSize=4",
    "schedule.warmupEpochs=0",
    "schedule.warmupTeacherTemperatureEpochs=0",
  ];
  const head = ["model.head.prototypes=16", "model.head.hiddenWidth=10", "model.head.bottleneckWidth=6"];
  const set = [...settings, ...small, ...rest, ...head, "device=cpu", "precision=fp32"];
  const { status, stderr } = await udiNative(
    ...["train", "defaults", "--init", foreign("public.pth"), "--data", photos, "--out", out],
    ...set.flatMap((setting) => ["--set", setting]),
  );
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(stderr).toContain("resampled to the grid of this model's images: pos_embed");
  expect(metrics(out).map(({ step }) => step)).toEqual([1, 2, 3]);
  expect(loadConfig({ file: join(out, "config.yaml") }).init).toBe(foreign("public.pth"));
});
