import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { TrainProgress } from "../../ts/cli/train-progress.js";
import { exampleConfig, stepAt } from "../run/example-run.js";

const samples = { seen: 64, skipped: 0 };

function started(stream: NodeJS.WriteStream, everySteps = 2): TrainProgress {
  const progress = new TrainProgress(stream);
  const config = exampleConfig("/runs/a", `logging.everySteps=${everySteps}`);
  progress.start({ folder: "/runs/a", config, images: 200, stepsPerEpoch: 3, step: 0, lastStep: 36 });
  return progress;
}

/** A stream that keeps what is written to it. */
function recorder(terminal: "terminal" | "file") {
  let text = "";
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  stream.on("data", (chunk) => {
    text += chunk;
  });
  if (terminal === "terminal") Object.assign(stream, terminalFeatures(stream));
  return { stream, text: () => text };
}

/** Writes the escape sequences that Node's own terminal streams write. */
function terminalFeatures(stream: NodeJS.WriteStream) {
  return {
    isTTY: true,
    columns: 200,
    cursorTo: () => stream.write("\r"),
    moveCursor: () => true,
    clearLine: () => stream.write("\u001b[2K"),
    clearScreenDown: () => true,
  };
}

test("off a terminal there is a line every so many steps, and one for the last", () => {
  const { stream, text } = recorder("file");
  const progress = started(stream);
  for (let step = 1; step <= 5; step++) progress.step(stepAt(step), samples);
  progress[Symbol.dispose]();
  progress[Symbol.dispose]();
  expect(text().match(/step \d+/g)).toEqual(["step 2", "step 4", "step 5"]);
  expect(text()).not.toContain("\u001b[");
});

test("what is said stands on a line of its own", () => {
  const { stream, text } = recorder("file");
  const progress = started(stream);
  progress.say("a remark");
  expect(text()).toBe("a remark\n");
  progress[Symbol.dispose]();
});

test("on a terminal a bar is drawn in place, around which remarks keep their lines", () => {
  const { stream, text } = recorder("terminal");
  const progress = started(stream);
  progress.step(stepAt(1), samples);
  progress.say("a remark");
  progress.step(stepAt(2), samples);
  progress[Symbol.dispose]();
  expect(text()).toMatch(/\[?[=-]+/);
  expect(text()).toContain("a remark\n");
  expect(text()).toMatch(/epoch 1\/12 {2}step 2\/36 .*\n$/);
});
