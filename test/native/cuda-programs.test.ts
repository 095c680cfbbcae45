import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../ts/native/package-root.js";
import { askProgram, pythonNote, testPython } from "../python/test-python.js";

const FOLDER = join(packageRoot, "crates", "torch-ext", "cuda");

/** Compute capabilities: Turing, Ampere, Hopper, Blackwell. */
const ARCHITECTURES = [75, 80, 90, 100];

/** Registers that the threads of a block share, and in what pieces a thread takes them. */
const REGISTERS = 65536;
const PIECE = 8;

type Macros = Readonly<Record<string, string | number>>;

/** What the engine compiles of a file (crates/torch-ext/src/cuda), and how it is launched. */
interface Source {
  /** What stands in front, behind `element.cuh`. */
  readonly after?: readonly string[];
  /** The least compute capability that it is for; default: all. */
  readonly from?: number;
  /** Bytes of registers that a kernel may spill, stores and loads together; default: none. */
  readonly spilled?: number;
  /** Most threads of a block. */
  readonly threads: number;
  readonly variants: readonly Macros[];
}

/** Kinds of values, each with how many of them are loaded at once: 16 bytes. */
const ELEMENTS = [
  ["float", 4],
  ["bf16", 8],
  ["fp16", 8],
] as const;

/** For each kind of values, with whole loads and, for rows of odd widths, single ones. */
function packed(width: number): Macros[] {
  return ELEMENTS.flatMap(([element, most]) =>
    [most, 1].map((pack) => ({ ELEMENT: element, PACK: pack, WIDTH: width })),
  );
}

/** Rows of these widths; fp32 beside values of each kind. */
function rows(elements: readonly string[], widths: readonly number[]): Macros[] {
  return elements.flatMap((element) => widths.map((width) => ({ ELEMENT: element, PACK: 4, WIDTH: width })));
}

const KINDS = ELEMENTS.map(([element]) => element);

/** Of vit_tiny, vit_small and vit_base. */
const WIDTHS = [192, 384, 768];

/** The head's bottleneck. */
const BOTTLENECK = [256];

/** Of images of the tokens of local and of global crops. */
const ATTENTION = ["bf16", "fp16"].flatMap((element) =>
  [38, 198].map((tokens) => ({ ELEMENT: element, PACK: 8, WIDTH: tokens })),
);
const ON_TENSOR_CORES = { after: ["tensor_cores.cuh", "attention.cuh"], from: 80, variants: ATTENTION };

const SOURCES: Readonly<Record<string, Source>> = {
  "adamw.cu": { threads: 256, variants: rows(["float"], [0]) },
  "attention.cu": { ...ON_TENSOR_CORES, threads: 128 },
  // With 198 tokens it takes all 255 registers: 12 bytes on sm_80, 44 on sm_100, none on sm_90.
  "attention_backward.cu": { ...ON_TENSOR_CORES, spilled: 44, threads: 256 },
  "columns.cu": { threads: 256, variants: packed(0) },
  "embedding.cu": { threads: 256, variants: [...packed(16), ...rows(["bf16", "fp16"], [16])] },
  "layer_norm.cu": { after: ["rows.cuh"], threads: 256, variants: rows(KINDS, WIDTHS) },
  "prototypes.cu": { after: ["rows.cuh"], threads: 256, variants: rows(["float"], BOTTLENECK) },
  "sampling.cu": { threads: 256, variants: rows(["float"], [0]) },
  "softmax.cu": { threads: 1024, variants: packed(0) },
};

interface Answer {
  readonly architectures: readonly number[];
  readonly programs: readonly {
    readonly error: string | null;
    readonly kernels: Readonly<Record<string, { readonly registers: number; readonly spilledBytes: number }>>;
  }[];
}

test("the table names every file of kernels", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".cu"));
  expect(Object.keys(SOURCES).sort()).toEqual(files.sort());
});

describe.skipIf(testPython === null)(`NVRTC, without a GPU${pythonNote}`, () => {
  test.each(Object.entries(SOURCES))(
    "compiles %s for each architecture, and spills no more than it may",
    {
      timeout: 300_000,
    },
    async (file, { after = [], from = 0, spilled = 0, threads, variants }) => {
      const files = ["element.cuh", ...after, file];
      const architectures = ARCHITECTURES.filter((architecture) => architecture >= from);
      const programs = architectures.flatMap((architecture) =>
        variants.map((macros) => ({ files, macros, architecture })),
      );
      const answer = await askProgram<Answer>("cuda_programs.py", { folder: FOLDER, programs });
      expect(answer.architectures).toEqual(expect.arrayContaining(architectures));
      const named = programs.map((program, place) => ({ ...program, ...answer.programs[place] }));
      expect(named.filter(({ error }) => error !== null)).toEqual([]);
      const kernels = named.flatMap(({ kernels = {}, macros, architecture }) =>
        Object.entries(kernels).map(([kernel, use]) => ({ kernel, architecture, macros, ...use })),
      );
      expect(kernels.length).toBeGreaterThanOrEqual(programs.length);
      expect(kernels.filter(({ spilledBytes }) => spilledBytes > spilled)).toEqual([]);
      const most = (registers: number) => Math.ceil(registers / PIECE) * PIECE * threads;
      expect(kernels.filter(({ registers }) => most(registers) > REGISTERS)).toEqual([]);
    },
  );

  test("says what is wrong with a program that is none", async () => {
    const programs = [
      {
        files: ["element.cuh", "adamw.cu"],
        macros: { ELEMENT: "no_kind", PACK: 4, WIDTH: 0 },
        architecture: 90,
      },
    ];
    const { programs: made } = await askProgram<Answer>("cuda_programs.py", { folder: FOLDER, programs });
    expect(made[0]?.error).toContain("no_kind");
  });
});
