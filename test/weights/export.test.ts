import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { ArgumentError, RunError } from "../../ts/errors.js";
import { type ExportOptions, exportCheckpoint } from "../../ts/weights/export.js";
import { openCheckpoint } from "../../ts/weights/open-checkpoint.js";
import { sharedFolder } from "../end-to-end/photos.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { readNote, readTensors, writeTensors } from "../safetensors-file.js";
import { type SmallState, smallState } from "./small-state.js";

const FORMATS = ["safetensors", "timm", "huggingface", "onnx"] as const;

const folder = sharedFolder();
let state: SmallState;

beforeAll(async () => {
  state = await smallState(folder);
});

/** An export of the small model into a new folder. */
function exported(options: Partial<ExportOptions> = {}) {
  const { heads } = state.model;
  const out = join(temporaryFolder(), "export");
  return exportCheckpoint({ checkpoint: state.file, heads, format: "timm", out, ...options });
}

/** The state with other values in one tensor. */
function withValue(name: string, value: number): string {
  const tensors = readTensors(state.file);
  tensors[name]?.values.fill(value, 3, 4);
  const file = join(temporaryFolder(), "state.safetensors");
  writeTensors(file, tensors);
  return file;
}

const POSITIONS = "teacher.backbone.backbone.pos_embed";

describe("an export", () => {
  test.each(FORMATS)(
    "to %s holds weights, a snippet, a model card and the checksums of all",
    async (format) => {
      const { folder, files } = await exported({ format });
      const record = JSON.parse(readFileSync(join(folder, "export.json"), "utf8"));
      expect(record).toMatchObject({ format, network: "teacher", step: 3, files });
      expect(readdirSync(folder).sort()).toEqual([...files.map(({ name }) => name), "export.json"].sort());
      expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(["load.py", "README.md"]));
    },
  );

  test.each(FORMATS)("to %s has the same bytes each time", async (format) => {
    expect((await exported({ format })).files).toEqual((await exported({ format })).files);
  });

  test("takes the teacher, or the student where it is asked for", async () => {
    const values = async (network?: "student") => {
      const { folder } = await exported(network === undefined ? {} : { network });
      return readTensors(join(folder, "model.safetensors"))["norm.bias"]?.values;
    };
    const held = readTensors(state.file);
    expect(await values()).toEqual(held["teacher.backbone.backbone.norm.bias"]?.values);
    expect(await values("student")).toEqual(held["student.backbone.backbone.norm.bias"]?.values);
    expect(await values()).not.toEqual(await values("student"));
  });

  test("as safetensors is itself a checkpoint, heads included", async () => {
    const { folder } = await exported({ format: "safetensors" });
    const again = await openCheckpoint(folder);
    const { width, depth, heads, mlpRatio, patchSize, imageSize, classTokens } = state.model;
    expect(again.model).toMatchObject({ width, depth, heads, mlpRatio, patchSize, imageSize, classTokens });
    expect(again.model.headsGuessed).toBe(false);
    const note = readNote(again.file, "udi-native backbone 1");
    expect(JSON.parse(note ?? "")).toMatchObject({ width, depth, heads, network: "teacher" });
  });

  test("as fp16 takes half the room", async () => {
    const size = async (dtype: "fp32" | "fp16") => (await exported({ dtype })).files[0]?.bytes ?? 0;
    expect((await size("fp16")) / (await size("fp32"))).toBeLessThan(0.65);
  });

  test("with weights too large for one ONNX file puts them beside it", async () => {
    const { files } = await exported({ format: "onnx", onnxInlineBytes: 0 });
    expect(files.slice(0, 2).map(({ name }) => name)).toEqual(["model.onnx", "model.onnx.data"]);
    expect(files[0]?.bytes).toBeLessThan(files[1]?.bytes ?? 0);
  });
});

describe("the folder of an export", () => {
  test("may be there if it is empty", async () => {
    const out = temporaryFolder();
    expect((await exported({ out })).folder).toBe(out);
  });

  test("is not taken from an earlier export unless that is asked for", async () => {
    const out = join(temporaryFolder(), "export");
    await exported({ out, format: "onnx" });
    await expect(exported({ out })).rejects.toThrow(/which holds an export/);
    expect(readdirSync(out)).toContain("model.onnx");
    await exported({ out, existing: "replace" });
    expect(readdirSync(out)).not.toContain("model.onnx");
  });

  test("is never taken from anything else", async () => {
    const out = temporaryFolder();
    writeFileSync(join(out, "thesis.txt"), "mine");
    await expect(exported({ out, existing: "replace" })).rejects.toThrow(/which holds thesis.txt/);
    expect(readFileSync(join(out, "thesis.txt"), "utf8")).toBe("mine");
  });

  test("is as it was where an export fails, and there is no other beside it", async () => {
    const parent = temporaryFolder();
    const out = join(parent, "export");
    const { files } = await exported({ out });
    const checkpoint = withValue(POSITIONS, Number.NaN);
    await expect(exported({ checkpoint, out, existing: "replace" })).rejects.toThrow(RunError);
    expect(readdirSync(out)).toEqual(expect.arrayContaining(files.map(({ name }) => name)));
    expect(readdirSync(parent)).toEqual(["export"]);
  });

  test("that is a file is refused", async () => {
    const out = join(temporaryFolder(), "file");
    writeFileSync(out, "");
    await expect(exported({ out })).rejects.toThrow(/out: .*cannot be written/);
    expect(existsSync(out)).toBe(true);
  });
});

describe("an export is refused", () => {
  test("of weights that are not finite, by name", async () => {
    const failed = exported({ checkpoint: withValue(POSITIONS, Number.POSITIVE_INFINITY) });
    await expect(failed).rejects.toThrow(/pos_embed: expected finite numbers .* found inf/);
  });

  test("of weights beyond half precision as fp16 only", async () => {
    const checkpoint = withValue(POSITIONS, 1e5);
    await expect(exported({ checkpoint, dtype: "fp16" })).rejects.toThrow(/at most 65504, found 100000/);
    expect((await exported({ checkpoint })).files).not.toEqual([]);
  });

  test("without the number of heads where it can only be guessed wrongly", async () => {
    const failed = exported({ heads: undefined });
    await expect(failed).rejects.toThrow(ArgumentError);
    await expect(failed).rejects.toThrow(/heads: expected the number of attention heads/);
  });

  test("to a format that does not exist, before anything is made", async () => {
    const out = join(temporaryFolder(), "parent", "export");
    await expect(exported({ out, format: "torchscript" as never })).rejects.toThrow(
      /format: expected safetensors/,
    );
    expect(existsSync(join(out, ".."))).toBe(false);
  });

  test("of a network that the checkpoint does not hold", async () => {
    const { folder: checkpoint } = await exported({ format: "safetensors" });
    await expect(exported({ checkpoint, network: "student" })).rejects.toThrow(/network: expected backbone/);
  });

  test("for images that are not made of whole patches", async () => {
    const failed = exported({ imageSize: { height: 18, width: 16 } });
    await expect(failed).rejects.toThrow(/imageSize: expected multiples of the patch size 4, received 18x16/);
  });

  test.each(["safetensors", "huggingface"] as const)("for oblong images as %s", async (format) => {
    const failed = exported({ format, imageSize: { height: 16, width: 24 } });
    await expect(failed).rejects.toThrow(/imageSize: expected a square/);
  });

  test("for transformers where DINOv2 there cannot hold the MLP", async () => {
    const narrow = await smallState(temporaryFolder(), { mlpRatio: 1.5 });
    const failed = exported({ checkpoint: narrow.file, format: "huggingface" });
    await expect(failed).rejects.toThrow(/mlpRatio: expected a whole number for huggingface, received 1.5/);
  });
});

describe("the model card", () => {
  const card = async (options: Partial<ExportOptions> = {}) => {
    const { folder } = await exported(options);
    return readFileSync(join(folder, "README.md"), "utf8");
  };

  test("states the licence that was given, or that none was", async () => {
    expect(await card({ license: "cc-by-nc-4.0" })).toMatch(/^---\nlicense: "cc-by-nc-4.0"\n/);
    const silent = await card();
    expect(silent).toMatch(/^---\nlicense: "unknown"\n/);
    expect(silent).toContain("Not stated.");
  });

  test.each(FORMATS)("shows the snippet that lies beside it, for %s", async (format) => {
    const { folder } = await exported({ format });
    const text = readFileSync(join(folder, "README.md"), "utf8");
    expect(text).toContain(`\`\`\`python\n${readFileSync(join(folder, "load.py"), "utf8")}\`\`\``);
  });

  test("says nothing of this machine's folders", async () => {
    expect(await card()).not.toContain(folder);
  });
});

describe("one class token", () => {
  test("becomes a model without register tokens", async () => {
    const changes = { classTokens: 1, imageSize: 16 } as const;
    const { file: checkpoint } = await smallState(temporaryFolder(), changes);
    const configuration = async (format: "timm" | "huggingface") => {
      const { folder } = await exported({ checkpoint, format });
      return JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
    };
    expect((await configuration("timm")).model_args).not.toHaveProperty("reg_tokens");
    expect(await configuration("huggingface")).toMatchObject({ model_type: "dinov2" });
  });
});
