/** How fast views are made on this machine: the stream that training reads, without the step. */
import type { ImageSource } from "../dataset/image-source.js";
import { openViewBatch, setViewThreads } from "../native/engine.js";
import type { MultiCropOptions } from "../recipe/multi-crop.js";
import type { ImageLimits } from "../views/read-image.js";
import { trainingBatches } from "../views/training-batches.js";
import { EventLoopWatch } from "./event-loop-watch.js";
import { type PartMilliseconds, viewParts } from "./view-parts.js";

export interface ViewBenchmarkRequest {
  readonly source: ImageSource;
  readonly crops: MultiCropOptions;
  readonly seed: number;
  readonly batchSize: number;
  /** Images measured in each run; made a multiple of the batch size. */
  readonly images: number;
  /** Compared with a single one. */
  readonly threads: number;
  readonly prefetchBatches: number;
  readonly limits: ImageLimits;
  /** Called before each of the runs, with what is measured next. */
  readonly onPhase: (phase: string) => void;
}

export interface ViewBenchmark {
  /** With one thread, then with `threads`. */
  readonly runs: readonly StreamRun[];
  /** Speed of the last run over the first one and the number of threads; 1: linear. */
  readonly scaling: number;
  /** Of one core for an image, in milliseconds. */
  readonly coreMilliseconds: PartMilliseconds & {
    /** What the stream needs beyond the parts: JavaScript, copies, the system. */
    readonly rest: number;
    readonly total: number;
  };
  /** Bytes of files, in 10^6 a second. */
  readonly readMegabytesPerSecond: {
    /** In the last run. */
    readonly stream: number;
    /** Reading alone, one file after the other. */
    readonly alone: number;
  };
  /** The longest time in which the event loop did nothing else, in the last run. */
  readonly longestBlockMilliseconds: number;
  readonly peakResidentBytes: number;
}

export interface StreamRun {
  readonly threads: number;
  readonly images: number;
  readonly imagesPerSecond: number;
  /** CPU time of the process for an image. */
  readonly coreMilliseconds: number;
  /** Cores that the process kept busy; JavaScript, and the system's reading of files, come on top of the threads. */
  readonly busyCores: number;
  readonly longestBlockMilliseconds: number;
}

/** Measures each part alone, then the stream with one thread and with `threads`. */
export async function benchmarkViews(request: ViewBenchmarkRequest): Promise<ViewBenchmark> {
  const { threads, onPhase } = request;
  const runs: StreamRun[] = [];
  for (const count of new Set([1, threads])) {
    onPhase(`the stream with ${count} ${count === 1 ? "thread" : "threads"}`);
    runs.push(await runStream(request, count));
  }
  onPhase("each part alone");
  const { bytesPerImage, readSeconds, ...parts } = await viewParts(request);
  const [first, last] = [runs[0] as StreamRun, runs.at(-1) as StreamRun];
  const known = Object.values(parts).reduce((sum, part) => sum + part, 0);
  const total = first.coreMilliseconds;
  return {
    runs,
    scaling: last.imagesPerSecond / (first.imagesPerSecond * last.threads),
    coreMilliseconds: { ...parts, rest: total - known, total },
    readMegabytesPerSecond: {
      stream: (last.imagesPerSecond * bytesPerImage) / 1e6,
      alone: bytesPerImage / readSeconds / 1e6,
    },
    longestBlockMilliseconds: last.longestBlockMilliseconds,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** The stream runs on without an end, so that work is ahead at the last batch as at the first. */
async function runStream(request: ViewBenchmarkRequest, threads: number): Promise<StreamRun> {
  const { batchSize, prefetchBatches, images } = request;
  setViewThreads(threads);
  const batches = trainingBatches({
    ...request,
    workers: threads,
    epochs: Number.MAX_SAFE_INTEGER,
    from: { epoch: 0, index: 0 },
    openBatch: openViewBatch,
  });
  const wanted = Math.ceil(images / batchSize);
  let seen = -prefetchBatches; // these fill what is kept ahead
  using loop = new EventLoopWatch();
  let began = marked();
  for await (const { views } of batches) {
    views[Symbol.dispose]();
    seen += 1;
    if (seen === 0) {
      began = marked();
      loop.reset();
    }
    if (seen === wanted) break;
  }
  const ended = marked();
  const made = wanted * batchSize;
  const [passed, cpu] = [ended.at - began.at, ended.cpu - began.cpu];
  return {
    threads,
    images: made,
    imagesPerSecond: (1000 * made) / passed,
    coreMilliseconds: cpu / made,
    busyCores: cpu / passed,
    longestBlockMilliseconds: loop.longestBlock(),
  };
}

/** In milliseconds. */
function marked(): { at: number; cpu: number } {
  const { user, system } = process.cpuUsage();
  return { at: performance.now(), cpu: (user + system) / 1000 };
}
