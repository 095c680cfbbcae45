/** Features that the real libraries compute with exported backbones. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askProgram } from "./test-python.js";

export interface LibraryJob {
  /** An export. */
  readonly folder: string;
  /** The snippet in the folder, or the library's own way to load a folder. */
  readonly through: "load.py" | "hub";
  readonly images: Images;
}

/** `[count, 3, height, width]`, normalised. */
export interface Images {
  readonly values: Float32Array;
  readonly shape: readonly [number, number, number, number];
}

export interface Values {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

interface Answer {
  readonly shape: readonly number[];
  readonly values: string;
}

/** By name, for each job: one process for all, since importing the libraries takes seconds. */
export async function libraryFeatures(
  jobs: readonly LibraryJob[],
): Promise<Readonly<Record<string, Values>>[]> {
  const folder = mkdtempSync(join(tmpdir(), "udi-python-"));
  try {
    const asked = jobs.map(({ images, ...job }, number) => {
      const file = join(folder, `${number}.bin`);
      writeFileSync(file, images.values);
      return { ...job, images: file, shape: images.shape };
    });
    const answers = await askProgram<Record<string, Answer>[]>("features.py", asked);
    return answers.map(decoded);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function decoded(answer: Record<string, Answer>): Record<string, Values> {
  const entries = Object.entries(answer).map(([name, { shape, values }]) => {
    const bytes = Uint8Array.from(Buffer.from(values, "base64"));
    return [name, { shape, values: new Float32Array(bytes.buffer) }] as const;
  });
  return Object.fromEntries(entries);
}

/** Largest difference between values of the same shape. */
export function distance(received: Values | undefined, expected: Values): number {
  if (received === undefined || received.shape.join() !== expected.shape.join()) {
    throw new Error(`expected shape ${expected.shape}, received ${received?.shape}`);
  }
  return received.values.reduce(
    (most, value, place) => Math.max(most, Math.abs(value - (expected.values[place] ?? Number.NaN))),
    0,
  );
}

/** Tokens `[B, class tokens + N, C]` as the exports name them. */
export function tokens({ shape, values }: Values, classTokens: number): Readonly<Record<string, Values>> {
  const [batch = 0, count = 0, width = 0] = shape;
  const cut = (first: number, end: number) => {
    const parts = Array.from({ length: batch }, (_, image) =>
      values.subarray((image * count + first) * width, (image * count + end) * width),
    );
    return Float32Array.from(parts.flatMap((part) => [...part]));
  };
  const named = ["cls", "cls_plus"].slice(0, classTokens).map((name, place) => {
    return [name, { shape: [batch, width], values: cut(place, place + 1) }] as const;
  });
  const patches = { shape: [batch, count - classTokens, width], values: cut(classTokens, count) };
  return { ...Object.fromEntries(named), patches };
}
