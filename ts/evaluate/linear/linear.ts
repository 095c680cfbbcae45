/** The linear probe: classifiers on frozen features (spec/evaluation.md section 2), the best of a grid chosen without val. */
import { stat } from "node:fs/promises";
import type { ImageSource } from "../../dataset/image-source.js";
import { RunError } from "../../errors.js";
import { openProbe, type Probe } from "../../native/probe.js";
import { datasetIdentity } from "../../run/dataset-identity.js";
import type { SkippedFile } from "../../views/evaluation-batches.js";
import { accuracyInterval } from "./bootstrap.js";
import { type PoolingEncoder, type RowEncoder, type RowTable, rowTable } from "./encoded-rows.js";
import { augmentedBatches, type EpochBatches, tableBatches } from "./epoch-batches.js";
import { splitTrain, type TrainParts } from "./held-out-part.js";
import { requireSameClasses } from "./labels.js";
import { NOWHERE, openProbeFolder, type ProbeFolder, type ProbeIdentity } from "./probe-folder.js";
import type { CandidateResult, EpochRecord, LinearResult } from "./result.js";
import { columnsOf, rowLayout } from "./row-layout.js";
import { learningRate } from "./schedule.js";
import { type Accuracy, bestOf, scoresOf } from "./scores.js";
import { type Candidate, candidatesOf, type LinearSettings } from "./settings.js";

export interface LinearRequest {
  /** What is probed; its weights stay as they are. */
  readonly encoder: PoolingEncoder;
  /** The file of weights that it was opened from. */
  readonly file: string;
  readonly network: string;
  readonly train: ImageSource;
  readonly val: ImageSource;
  readonly settings: LinearSettings;
  /** Of the classifiers: "cpu", "cuda" or "cuda:1". */
  readonly device: string;
  /** CPU threads of their tensor operations; 0: libtorch's own choice. */
  readonly threads: number;
  /** Images decoded at once. */
  readonly workers: number;
  /** Folder of state, log and result, from which the same probe goes on; absent: nothing is kept. */
  readonly out?: string | undefined;
  /** Once aborted, the call rejects with its reason; what was kept after the last whole epoch stays. */
  readonly signal?: AbortSignal | undefined;
  /** Features that are computed once, before the first epoch. */
  readonly onFeatures?: (part: string, done: number, total: number) => void;
  /** Train images that an epoch, counted from 1, has seen. */
  readonly onImages?: (epoch: number, done: number, total: number) => void;
  readonly onEpoch?: (record: EpochRecord) => void;
  readonly onRemark?: (line: string) => void;
}

/** Throws DataError where the parts have no labels or different ones, RunError where `out` belongs to another probe. */
export async function evaluateLinear(request: LinearRequest): Promise<LinearResult> {
  const { train, val, settings, out } = request;
  requireSameClasses(train, val);
  const labels = Int32Array.from({ length: train.count }, (_, index) => train.label(index));
  const parts = splitTrain(labels, settings.selectShare, settings.seed);
  await using folder = out === undefined ? NOWHERE : await openProbeFolder(out, await identityOf(request));
  if (folder.result !== null) {
    request.onRemark?.(`${out}: this probe has ended; its result is shown again`);
    return folder.result;
  }
  const candidates = candidatesOf(settings);
  const rows = rowEncoder(request, candidates);
  await using probe = await openProbe({
    rowWidth: rows.layout.width,
    classes: train.classes.length,
    momentum: settings.momentum,
    seed: settings.seed,
    device: request.device,
    threads: request.threads,
    candidates: candidates.map((candidate) => columnsOf(candidate, rows.layout)),
  });
  const data = await prepare(request, rows, parts);
  const work: Work = { request, candidates, probe, folder, data };
  const result = await resultOf(work, await trained(work));
  await folder.finish(result);
  return result;
}

/** What the probe learns from, and what it is measured on. */
interface ProbeData {
  readonly batches: EpochBatches;
  /** Null: nothing is held out. */
  readonly select: RowTable | null;
  readonly val: RowTable;
  /** Train images. */
  readonly trained: number;
  readonly skipped: Map<string, SkippedFile>;
}

interface Work {
  readonly request: LinearRequest;
  readonly candidates: readonly Candidate[];
  readonly probe: Probe;
  readonly folder: ProbeFolder;
  readonly data: ProbeData;
}

async function prepare(request: LinearRequest, rows: RowEncoder, parts: TrainParts): Promise<ProbeData> {
  const { train, val, settings } = request;
  const { seed, batchSize } = settings;
  const skipped = new Map<string, SkippedFile>();
  const table = async (part: string, source: ImageSource, samples: ArrayLike<number>) => {
    const report = (done: number) => request.onFeatures?.(part, done, samples.length);
    const made = await rowTable(rows, source, samples, report);
    for (const file of made.skipped) skipped.set(file.file, file);
    return made;
  };
  const held = parts.heldOut.length === 0 ? null : await table("select", train, parts.heldOut);
  const measured = await table(
    "val",
    val,
    Uint32Array.from({ length: val.count }, (_, index) => index),
  );
  const common = { select: held, val: measured, skipped };
  if (settings.augment) {
    const batches = augmentedBatches(rows, train, parts.trained, settings);
    return { ...common, batches, trained: parts.trained.length };
  }
  const known = await table("train", train, parts.trained);
  return { ...common, batches: tableBatches(known, batchSize, seed), trained: known.labels.length };
}

/** Every epoch that is not made yet; the records of all of them. */
async function trained(work: Work): Promise<readonly EpochRecord[]> {
  const { request, probe, folder } = work;
  const { epochs } = request.settings;
  const records = [...(await folder.resume(probe))];
  if (records.length > 0) request.onRemark?.(`goes on after epoch ${records.length} of ${epochs}`);
  while (records.length < epochs) {
    const record = await epochRecord(work, records.length);
    await folder.keep(probe, record);
    records.push(record);
    request.onEpoch?.(record);
  }
  return records;
}

/** `epoch` counted from 0. */
async function epochRecord(work: Work, epoch: number): Promise<EpochRecord> {
  const { settings } = work.request;
  const start = performance.now();
  const losses = await oneEpoch(work, epoch);
  const made = epoch + 1;
  const due = made % settings.evaluateEvery === 0 || made === settings.epochs;
  const evaluation = due ? await evaluated(work) : null;
  const rate = learningRate(settings.reference, settings, epoch);
  const seconds = (performance.now() - start) / 1000;
  return { epoch: made, losses, learningRate: rate, seconds, evaluation };
}

/** Mean loss of each candidate. */
async function oneEpoch(work: Work, epoch: number): Promise<readonly (number | null)[]> {
  const { request, candidates, probe, data } = work;
  const rates = candidates.map((candidate) => learningRate(candidate, request.settings, epoch));
  const sums = candidates.map(() => 0);
  let images = 0;
  for await (const { rows, labels, skipped } of data.batches(epoch)) {
    request.signal?.throwIfAborted();
    for (const file of skipped) data.skipped.set(file.file, file);
    if (labels.length === 0) continue;
    const losses = await probe.step({ rows, labels }, rates);
    for (const [at, loss] of losses.entries()) sums[at] = (sums[at] as number) + loss * labels.length;
    images += labels.length;
    request.onImages?.(epoch + 1, images, data.trained);
  }
  if (images === 0)
    throw new RunError(
      `data folder ${request.train.root}: none of its ${data.trained} train images can be decoded`,
    );
  return sums.map((sum) => (Number.isFinite(sum) ? sum / images : null));
}

async function evaluated({ probe, data, candidates }: Work): Promise<NonNullable<EpochRecord["evaluation"]>> {
  const { select, val } = data;
  const measure = async (part: RowTable) => (await scoresOf(probe, part, candidates.length)).accuracies;
  return { select: select === null ? null : await measure(select), val: await measure(val) };
}

async function resultOf(
  { request, candidates, data, probe }: Work,
  records: readonly EpochRecord[],
): Promise<LinearResult> {
  const { settings, train } = request;
  const losses = records.at(-1)?.losses ?? [];
  const select = records.at(-1)?.evaluation?.select ?? null;
  const chosen = select === null ? 0 : bestOf(select, losses);
  const val = await scoresOf(probe, data.val, candidates.length);
  const results = candidates.map((candidate, at) => ({
    ...candidate,
    loss: losses[at] ?? null,
    select: select?.[at] ?? null,
    val: val.accuracies[at] as Accuracy,
  }));
  return {
    protocol: "linear",
    checkpoint: request.file,
    network: request.network,
    settings,
    features: settings.augment ? "random crops" : "centre crops",
    classes: train.classes.length,
    images: {
      trained: data.trained,
      select: data.select?.labels.length ?? 0,
      val: data.val.labels.length,
    },
    candidates: results,
    chosen,
    ...(results[chosen] as CandidateResult).val,
    interval: accuracyInterval(val.hits(chosen), settings.seed),
    skipped: data.skipped.size,
    seconds: records.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

function rowEncoder(request: LinearRequest, candidates: readonly Candidate[]): RowEncoder {
  const { encoder, settings, workers, signal } = request;
  const { imageSize, resizeTo, batchSize } = settings;
  const layout = rowLayout(candidates, settings.token, encoder.model);
  return { encoder, layout, imageSize, resizeTo, batchSize, workers, signal };
}

async function identityOf({ file, network, train, val, settings }: LinearRequest): Promise<ProbeIdentity> {
  const { size: bytes, mtimeMs: modified } = await stat(file);
  return {
    version: 1,
    checkpoint: { file, network, bytes, modified },
    train: datasetIdentity(train),
    val: datasetIdentity(val),
    settings,
  };
}
