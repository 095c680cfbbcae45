/** Exported backbones, loaded with the libraries that they are for, give the features of the reference. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type ExportOptions, exportCheckpoint } from "../../ts/weights/export.js";
import { sharedFolder } from "../end-to-end/photos.js";
import { distance, type Images, libraryFeatures, tokens } from "../python/library-features.js";
import { pythonNote, testPython } from "../python/test-python.js";
import { readTensors, type Tensor, writeTensors } from "../safetensors-file.js";
import { goldenFolder, goldenJson } from "./golden-folder.js";

interface EncoderCase {
  readonly heads: number;
  readonly class_tokens: number;
}

type Chosen = Pick<ExportOptions, "format" | "dtype" | "imageSize">;

/** Half precision has three digits, over several blocks. */
const TOLERANCES = { fp32: 1e-4, fp16: 2e-2 } as const;

const { heads, class_tokens: classTokens } = goldenJson<EncoderCase>("encoder/case.json");
const tensors = readTensors(join(goldenFolder, "encoder", "tensors.safetensors"));
const folder = sharedFolder();
const checkpoint = join(folder, "encoder.safetensors");

/** Images of the case, and the reference's tokens after the final norm. */
const usual = { images: "images", expected: "layer_3" } as const;
/** Of another height and width: the stored positions are resampled. */
const other = { images: "images_other", expected: "other.layer_last" } as const;
const imageSize = { height: 80, width: 56 };

const CASES: readonly (readonly [string, Chosen, "load.py" | "hub", typeof usual | typeof other])[] = [
  ["timm", { format: "timm" }, "load.py", usual],
  ["timm, a folder", { format: "timm" }, "hub", usual],
  ["timm, fp16", { format: "timm", dtype: "fp16" }, "load.py", usual],
  ["timm, another size", { format: "timm", imageSize }, "load.py", other],
  ["timm, another size, a folder", { format: "timm", imageSize }, "hub", other],
  ["transformers", { format: "huggingface" }, "load.py", usual],
  ["transformers, AutoModel", { format: "huggingface" }, "hub", usual],
  ["transformers, fp16", { format: "huggingface", dtype: "fp16" }, "load.py", usual],
  ["onnxruntime", { format: "onnx" }, "load.py", usual],
  ["onnxruntime, fp16", { format: "onnx", dtype: "fp16" }, "load.py", usual],
  ["onnxruntime, another size", { format: "onnx", imageSize }, "load.py", other],
];

function golden(name: string): Tensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`the encoder case has no ${name}`);
  return tensor;
}

beforeAll(() => {
  const parameters = Object.entries(tensors).filter(([name]) => name.startsWith("parameter."));
  const named = parameters.map(([name, tensor]) => [name.slice("parameter.".length), tensor] as const);
  writeTensors(checkpoint, Object.fromEntries(named));
});

describe.skipIf(testPython === null)(`exported backbones${pythonNote}`, () => {
  test("give the features of the reference in the libraries that they are for", async () => {
    const jobs = [];
    for (const [name, chosen, through, { images }] of CASES) {
      const out = join(folder, name);
      await exportCheckpoint({ checkpoint, heads, out, ...chosen });
      jobs.push({ folder: out, through, images: golden(images) as Images });
    }
    const computed = await libraryFeatures(jobs);
    const distances = CASES.map(([name, { dtype = "fp32" }, , { expected }], place) => {
      const wanted = tokens(golden(expected), classTokens);
      const answer = computed[place] ?? {};
      const compared = Object.keys(answer).filter((key) => key in wanted);
      const distances = compared.map((key) => distance(answer[key], wanted[key] as Tensor));
      console.log(
        `golden export, ${name}: ${compared}: largest error ${Math.max(...distances).toExponential(1)}`,
      );
      return { name, compared: compared.length, within: Math.max(...distances) < TOLERANCES[dtype] };
    });
    const expected = CASES.map(([name, , through]) => ({
      name,
      compared: through === "hub" ? 1 : 3,
      within: true,
    }));
    expect(distances).toEqual(expected);
  });
});
