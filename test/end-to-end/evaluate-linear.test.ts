/** `udi-native evaluate linear` as a user starts it: killed, stopped, taken up again, given what it cannot use. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { openEngine } from "../../ts/native/engine.js";
import { OPTIONS } from "../native/small-engine.js";
import { start, udiNative } from "./command.js";
import { sharedFolder, writePhotos } from "./photos.js";

const folder = sharedFolder();
const checkpoint = join(folder, "state.safetensors");
const [train, val] = [join(folder, "train"), join(folder, "val")];

beforeAll(async () => {
  await using engine = await openEngine(OPTIONS);
  await engine.save(checkpoint);
  await writePhotos(train, 64);
  await writePhotos(val, 32);
});

function command(...more: readonly string[]): readonly string[] {
  const data = [
    "--checkpoint",
    checkpoint,
    "--train",
    train,
    "--val",
    val,
    "--heads",
    "2",
    "--device",
    "cpu",
  ];
  const small = [
    "--threads",
    "1",
    "--workers",
    "1",
    "--epochs",
    "40",
    "--batch",
    "8",
    "--grid-rates",
    "0.5,1",
  ];
  return ["evaluate", "linear", ...data, ...small, ...more];
}

test("an augmented probe that was killed and then stopped ends with the numbers of one that ran through", async () => {
  const out = join(folder, "killed");
  const killed = start(...command("--out", out));
  await killed.told("epoch 3/40");
  killed.child.kill("SIGKILL");
  expect((await killed.ended).signal).toBe("SIGKILL");

  const stopped = start(...command("--out", out));
  await stopped.told("goes on after epoch");
  await stopped.told("epoch 8/40");
  stopped.child.kill("SIGINT");
  const ended = await stopped.ended;
  expect(ended.status).toBe(130);
  expect(ended.stderr).toContain("the same command goes on");
  expect(existsSync(join(out, "result.json"))).toBe(false);

  const resumed = await udiNative(...command("--out", out, "--json"));
  const straight = await udiNative(...command("--json"));
  expect([resumed.status, straight.status]).toEqual([0, 0]);
  const result = (text: string) => ({ ...JSON.parse(text), seconds: 0 });
  expect(result(resumed.stdout)).toEqual(result(straight.stdout));
  const { autoAugment, erasing } = result(resumed.stdout).settings;
  expect({ autoAugment, mode: erasing.mode }).toEqual({ autoAugment: "rand-m9-mstd0.5-inc1", mode: "pixel" });
  const states = readdirSync(out).filter((name) => name.startsWith("state-"));
  expect(states).toEqual(["state-0040.safetensors"]);
});

test("the result in words names classifier, interval and how the features came about", async () => {
  const { status, stdout, stderr } = await udiNative(...command("--augment", "false", "--epochs", "3"));
  expect(status).toBe(0);
  expect(stderr).toContain("features of the centre crops, computed once");
  expect(stdout).toMatch(
    /^top-1 [\d.]+ % \(95 % interval [\d.]+ % to [\d.]+ %\), top-5 100.0 % on 32 val images/,
  );
  expect(stdout).toMatch(/classifier: learning rate .*, the best of 9 on 6 held-out train images/);
  expect(stdout).toMatch(/trained on 58 images, centre crops/);
});

test("by default the images are augmented as in the reference", async () => {
  const { status, stdout, stderr } = await udiNative(...command("--epochs", "1"));
  expect(status).toBe(0);
  expect(stderr).toContain("random crops, rand-m9-mstd0.5-inc1, random erasing 0.25 in each epoch");
  expect(stdout).toMatch(/trained on 58 images, random crops, rand-m9-mstd0.5-inc1, random erasing 0.25,/);
});

test("baselines are lines of their own, with how far they are from the checkpoint", async () => {
  const given = ["--augment", "false", "--epochs", "3", "--resize-to", "16", "--baselines"];
  const { status, stdout, stderr } = await udiNative(...command(...given));
  expect(status, stderr).toBe(0);
  const line =
    "baseline: top-1 [\\d.]+ % \\(95 % interval .*\\), [\\d.]+ points (above|below) the checkpoint: ";
  expect(stdout).toMatch(new RegExp(`\n${line}the same network with fresh weights, seed 0\n`));
  expect(stdout).toMatch(new RegExp(`\n${line}raw pixels: .*\n$`));
  expect(stderr).toContain("baseline: raw pixels");
});

test.each([
  [["--epochs", "none"], /expected a whole number of at least 1/],
  [["--select-share", "1.5"], /selectShare: expected a share from 0, below 1, received 1.5/],
  [["--last-blocks", "9"], /lastBlocks: expected a whole number from 1 to 2, received 9/],
  [["--train", join(folder, "nowhere")], /nowhere/],
  [["--augment", "perhaps"], /expected true or false/],
  [["--auto-augment", "rand-m12"], /auto-augment rand-m12: expected sections .* received "m12"/],
  [["--reprob", "2"], /erasing.probability: expected a share from 0 to 1, received 2/],
  [["--remode", "noise"], /Allowed choices are const, rand, pixel/],
  [["--augment", "false", "--reprob", "0.5"], /expected nothing without augmentation/],
])("%j is something to mend", async (more, message) => {
  const { status, stdout, stderr } = await udiNative(...command(...more));
  expect(status).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain("    at ");
});
