/** Runs `udi-native bench views`. */
import { availableParallelism } from "node:os";
import { syntheticPhotographs } from "../benchmark/synthetic-photographs.js";
import { benchmarkViews, type StreamRun, type ViewBenchmark } from "../benchmark/views.js";
import { loadConfig } from "../config/load.js";
import { openImageSource } from "../dataset/image-source.js";
import { byteText } from "../number-text.js";
import { imageLimits } from "../views/read-image.js";
import type { BenchViewsChoice } from "./bench-views-command.js";
import { openingReport } from "./opening-report.js";

export async function runBenchViews(choice: BenchViewsChoice): Promise<void> {
  const set = choice.locals === undefined ? [] : [`crops.localCrops=${choice.locals}`];
  const { crops, model, data, seed } = loadConfig({ file: "defaults", set });
  const onStart = (count: number) => console.error(`making ${count} JPEG files, only this once`);
  const path = choice.data ?? (await syntheticPhotographs({ onStart }));
  using report = openingReport();
  const source = await openImageSource(path, "auto", report);
  const batchSize = Math.min(choice.batch, source.count);
  const threads = choice.threads ?? availableParallelism();
  const result = await benchmarkViews({
    source,
    crops: { ...crops, patchSize: model.patchSize, includePatch: model.includePatch },
    seed,
    batchSize,
    images: choice.images,
    threads,
    prefetchBatches: data.prefetchBatches,
    limits: imageLimits(data),
    onPhase: (phase) => console.error(`measuring ${phase}`),
  });
  const settings = {
    data: choice.data ?? "500 x 375 JPEG files made by code",
    globals: crops.globalSize,
    locals: crops.localCrops,
    localSize: crops.localSize,
    batch: batchSize,
    threads,
    cores: availableParallelism(),
  };
  console.log(choice.json ? JSON.stringify({ ...settings, ...result }) : viewsText(settings, result));
}

type Settings = Readonly<Record<string, string | number>>;

/** The measurement as lines for a reader. */
export function viewsText(settings: Settings, result: ViewBenchmark): string {
  const { coreMilliseconds, readMegabytesPerSecond: read } = result;
  const { total, ...parts } = coreMilliseconds;
  const rows: [string, string][] = [
    [
      "settings",
      Object.entries(settings)
        .map(([name, value]) => `${name} ${value}`)
        .join(", "),
    ],
    ...result.runs.map((run): [string, string] => [threadText(run.threads), runText(run)]),
    ["scaling", `${result.scaling.toFixed(2)} of linear`],
    ["one core", `${total.toFixed(2)} ms for an image`],
    ...Object.entries(parts).map(([name, value]): [string, string] => [
      `  ${PARTS[name] ?? name}`,
      `${value.toFixed(2)} ms`,
    ]),
    [
      "files",
      `${read.stream.toFixed(1)} MB/s in the stream; ${read.alone.toFixed(0)} MB/s when only reading, one by one`,
    ],
    ["event loop", `longest block ${result.longestBlockMilliseconds.toFixed(1)} ms`],
    ["memory", `${byteText(result.peakResidentBytes)} resident at most`],
  ];
  return rows.map(([name, value]) => `${name.padEnd(16)} ${value}`).join("\n");
}

const PARTS: Readonly<Record<string, string>> = { recipe: "recipe + maps", rest: "the rest" };

function threadText(threads: number): string {
  return threads === 1 ? "1 thread" : `${threads} threads`;
}

function runText({ imagesPerSecond, coreMilliseconds, busyCores, images }: StreamRun): string {
  const cost = `${coreMilliseconds.toFixed(2)} ms of one core for an image`;
  return `${imagesPerSecond.toFixed(1)} images/s, ${cost}, ${busyCores.toFixed(2)} cores busy (${images} images)`;
}
