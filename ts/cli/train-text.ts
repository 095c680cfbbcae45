/** What the command line says of a run, in words. */

import { relative } from "node:path";
import pc from "picocolors";
import { percentText } from "../number-text.js";
import type { EvaluationRecord, StepRecord } from "../run/records.js";
import type { SampleTally } from "../train/skip-limit.js";
import type { TrainResult, TrainStart } from "../train/train-options.js";
import type { Pace } from "./pace.js";
import { type Naming, tableRow } from "./table-row.js";
import { watchTable } from "./watch-text.js";

export interface Status {
  readonly record: StepRecord;
  readonly samples: SampleTally;
  readonly pace: Pace;
  readonly start: TrainStart;
}

/** Keys whose "auto" is told; config.yaml has the others too. */
const TOLD = /^(device|precision|threads|data\..*)$/;

/** What is about to run, and why so. */
export function startText({ config, images, stepsPerEpoch, step, folder }: TrainStart): string {
  const { model, training, device, precision, reasons } = config;
  const from = step === 0 ? "" : `, from step ${step} on`;
  const head = `${model.arch} on ${images} images: ${training.epochs} epochs of ${stepsPerEpoch} steps${from}, on ${device} in ${precision}`;
  const told = Object.entries(reasons).filter(([key]) => TOLD.test(key));
  const why = told.map(([key, reason]) => pc.dim(`  ${key}: ${reason}`));
  return [head, ...why, `run folder: ${shownPath(folder)}`].join("\n");
}

/** A run at a step, in one line. */
export function statusText({ record, samples, pace, start }: Status): string {
  const { epochs } = start.config.training;
  const steps = start.lastStep;
  const parts = [
    `epoch ${record.epoch}/${epochs}`,
    `step ${record.step}/${steps}`,
    `ETA ${duration((steps - record.step) * pace.secondsPerStep)}`,
    `loss ${record.loss.toFixed(4)}`,
    `lr ${record.learningRate.toExponential(1)}`,
    `${rate(pace.imagesPerSecond)} images/s`,
    `${Math.round(100 * pace.waiting)} % waiting`,
    ...(samples.skipped === 0 ? [] : [pc.yellow(`${samples.skipped} skipped`)]),
  ];
  return parts.join("  ");
}

/** One evaluation in one line. */
export function evaluationText({ step, scores }: EvaluationRecord, init: Init): string {
  const shown = scores.map(({ neighbours, top1 }) => `${percentText(top1)} (k = ${neighbours})`);
  return `held-out k-NN accuracy of the ${networkName(step, init)}: ${shown.join(", ")}`;
}

/** What came of a run that is finished. */
export function resultText(result: TrainResult, init: Init): string {
  const { folder, step, last, checkpoint, evaluations, watch } = result;
  const loss = last === null ? "" : `, loss ${last.loss.toFixed(4)}`;
  const named = (record: { readonly step: number }) => networkName(record.step, init);
  return [
    ...accuracyTable(evaluations, named),
    ...watchTable(watch, named),
    `finished after ${step} steps${loss}`,
    `run         ${shownPath(folder)}`,
    `checkpoint  ${shownPath(checkpoint)}`,
  ].join("\n");
}

/** How to go on with a run that was stopped. */
export function resumeText({ folder, step, checkpoint }: TrainResult): string {
  return [
    `stopped after step ${step}; checkpoint: ${shownPath(checkpoint)}`,
    `go on with: ${pc.cyan(resumeCommand(folder))}`,
  ].join("\n");
}

/** The command that goes on with the run in a folder, which is `named` in it. */
export function resumeCommand(folder: string, named = shownPath(folder)): string {
  return `npx udi-native train ${quoted(`${named}/config.yaml`)} --resume`;
}

/** First evaluation and last, side by side. */
function accuracyTable(evaluations: readonly EvaluationRecord[], named: Naming): string[] {
  const [first, last] = [evaluations[0], evaluations.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  const heads = [named(first), named(last)];
  const rows = last.scores.map(({ neighbours, top1 }, index) => {
    const before = first.scores[index];
    return tableRow(`${neighbours} neighbours`, [
      before === undefined ? "" : percentText(before.top1),
      percentText(top1),
    ]);
  });
  return [pc.bold(tableRow("held-out k-NN accuracy", heads)), ...rows, ""];
}

/** What a run began with: the configuration's `init`. */
type Init = string | null;

function networkName(step: number, init: Init): string {
  if (step > 0) return `teacher, step ${step}`;
  return init === null ? "untrained network" : "given weights";
}

function rate(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

/** 45s, 12m05s, 130h07m. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const [unit, names] = whole < 3600 ? [60, "ms"] : [3600, "hm"];
  const rest = Math.floor((whole % unit) / (unit / 60));
  return `${Math.floor(whole / unit)}${names[0]}${String(rest).padStart(2, "0")}${names[1]}`;
}

/** From the working folder, where it lies below it. */
function shownPath(path: string): string {
  const near = relative("", path);
  return near.startsWith("..") || near === "" ? path : near;
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
