import { expect, test } from "vitest";
import { exportText } from "../../ts/cli/export.js";
import { type ExportChoice, exportCommand } from "../../ts/cli/export-command.js";

/** What the options become; nothing is exported. */
function parsed(...args: readonly string[]): ExportChoice {
  const command = exportCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  command.action(() => {});
  command.parse(["run", "--format", "onnx", "--out", "out", ...args], { from: "user" });
  return command.opts<ExportChoice>();
}

test("an image size is a side, or height and width", () => {
  expect(parsed("--image-size", "448").imageSize).toEqual({ height: 448, width: 448 });
  expect(parsed("--image-size", "480x640").imageSize).toEqual({ height: 480, width: 640 });
});

test.each(["0", "-16", "a", "16x", "16x32x3", "1e3", ""])("the image size %j is refused", (text) => {
  expect(() => parsed("--image-size", text)).toThrow(/expected/);
});

test.each([
  ["--format", "torch"],
  ["--dtype", "int4"],
  ["--network", "both"],
  ["--heads", "0"],
])("%s %s is refused", (option, value) => {
  expect(() => parsed(option, value)).toThrow();
});

test("weights are stored as fp32 unless something else is asked for", () => {
  expect(parsed().dtype).toBe("fp32");
  expect(parsed("--dtype", "fp16").dtype).toBe("fp16");
});

test("the result names the folder, its files with their sizes, and the snippet", () => {
  const files = [
    { name: "model.onnx", bytes: 86_700_000, sha256: "" },
    { name: "load.py", bytes: 470, sha256: "" },
  ];
  const text = exportText({
    folder: "/x/out",
    format: "onnx",
    network: "teacher",
    files,
    remarks: [],
  } as never);
  expect(text.split("\n")).toEqual([
    "teacher's backbone for onnx in /x/out:",
    "  model.onnx                   86.7 MB",
    "  load.py                       0.5 kB",
    "load it as /x/out/load.py does",
  ]);
});
