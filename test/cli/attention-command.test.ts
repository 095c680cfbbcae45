import { expect, test } from "vitest";
import { type AttentionChoice, attentionCommand } from "../../ts/cli/attention-command.js";

/** What the options become; nothing is drawn. */
function parsed(...args: readonly string[]): AttentionChoice {
  const command = attentionCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  command.action(() => {});
  command.parse(["cat.jpg", "--checkpoint", "run", "--out", "out", ...args], { from: "user" });
  return command.opts<AttentionChoice>();
}

test("a size is a shorter side, height and width, or that of the image", () => {
  expect(parsed().size).toEqual({ kind: "shorter", side: 480 });
  expect(parsed("--size", "224").size).toEqual({ kind: "shorter", side: 224 });
  expect(parsed("--size", "480x640").size).toEqual({ kind: "exact", height: 480, width: 640 });
  expect(parsed("--size", "as-is").size).toEqual({ kind: "as-is" });
});

test("masks hold 60 % of the attention, another share, or are left out", () => {
  expect(parsed().threshold).toBe(0.6);
  expect(parsed("--threshold", "0.25").threshold).toBe(0.25);
  expect(parsed("--no-threshold").threshold).toBe(false);
});

test.each([
  ["--size", "0"],
  ["--size", "16x"],
  ["--size", "1x2x3"],
  ["--threshold", "0"],
  ["--threshold", "60"],
  ["--threshold", ""],
  ["--device", "gpu"],
  ["--precision", "int8"],
  ["--network", "both"],
  ["--heads", "0"],
])("%s %j is refused", (option, value) => {
  expect(() => parsed(option, value)).toThrow();
});
