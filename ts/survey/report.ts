/** What a check of a source found. */
import type { ImageSource, SourceKind } from "../dataset/image-source.js";
import { duplicateGroups } from "./duplicates.js";
import type { Records } from "./records.js";

export interface CheckReport {
  readonly path: string;
  readonly kind: SourceKind;
  readonly images: number;
  readonly usable: number;
  /** Bytes of all files that were read. */
  readonly bytes: number;
  readonly seconds: number;
  /** Null where there are no labels. */
  readonly classes: ClassReport | null;
  /** Null where no image is usable. */
  readonly sizes: SizeReport | null;
  /** Number of usable images by format and by colour space and depth, most frequent first. */
  readonly formats: Readonly<Record<string, number>>;
  readonly colours: Readonly<Record<string, number>>;
  readonly bad: readonly BadFile[];
  readonly duplicates: readonly DuplicateFiles[];
}

export interface ClassReport {
  readonly count: number;
  readonly smallest: ClassSize;
  readonly largest: ClassSize;
  /** Images without a label. */
  readonly unlabelled: number;
}

export interface ClassSize {
  readonly name: string;
  /** Usable or not. */
  readonly images: number;
}

/** In pixels; each median is its own. */
export interface SizeReport {
  readonly width: Spread;
  readonly height: Spread;
  readonly pixels: Spread;
  /** Usable images whose shorter side is below a crop's: such crops are enlarged. */
  readonly smallerThan: readonly { readonly side: number; readonly images: number }[];
}

export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export interface BadFile {
  readonly file: string;
  readonly reason: string;
}

export interface DuplicateFiles {
  readonly files: readonly string[];
  /** Whether they lie in more than one class. */
  readonly acrossClasses: boolean;
}

export interface ReportRequest {
  readonly source: ImageSource;
  readonly records: Records;
  readonly seconds: number;
  /** Sides of crops in pixels. */
  readonly crops: readonly number[];
}

export function dataReport({ source, records, seconds, crops }: ReportRequest): CheckReport {
  const { usable, bytes, formats, colours } = records;
  return {
    path: source.root,
    kind: source.kind,
    images: source.count,
    usable,
    bytes,
    seconds,
    classes: classReport(source),
    sizes: usable === 0 ? null : sizeReport(records, crops),
    formats: byFrequency(formats),
    colours: byFrequency(colours),
    bad: records.bad().map(({ index, reason }) => ({ file: source.name(index), reason })),
    duplicates: duplicates(source, records),
  };
}

function classReport({ classes, count, label }: ImageSource): ClassReport | null {
  if (classes.length === 0) return null;
  const counts = new Uint32Array(classes.length);
  let unlabelled = 0;
  for (let index = 0; index < count; index++) {
    const at = label(index);
    if (at < 0) unlabelled += 1;
    else counts[at] = (counts[at] ?? 0) + 1;
  }
  const sizes = classes.map((name, at) => ({ name, images: counts[at] ?? 0 }));
  const smallest = sizes.reduce((least, one) => (one.images < least.images ? one : least));
  const largest = sizes.reduce((most, one) => (one.images > most.images ? one : most));
  return { count: classes.length, smallest, largest, unlabelled };
}

function sizeReport({ widths, heights }: Records, crops: readonly number[]): SizeReport {
  const pixels = Float64Array.from(widths, (width, index) => width * (heights[index] ?? 0));
  const shorter = widths.map((width, index) => Math.min(width, heights[index] ?? 0));
  return {
    width: spread(widths),
    height: spread(heights),
    pixels: spread(pixels),
    smallerThan: crops.map((side) => ({ side, images: below(shorter, side) })),
  };
}

/** Of images that are usable: no other has a 0. */
function spread(values: Uint32Array | Float64Array): Spread {
  const sorted = values.slice().sort();
  const first = sorted.findIndex((value) => value > 0);
  const middle = first + Math.floor((sorted.length - first) / 2);
  return { min: sorted[first] ?? 0, median: sorted[middle] ?? 0, max: sorted.at(-1) ?? 0 };
}

function below(shorter: Uint32Array, side: number): number {
  return shorter.reduce((images, length) => (length > 0 && length < side ? images + 1 : images), 0);
}

function byFrequency(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

function duplicates(source: ImageSource, { digests, read }: Records): DuplicateFiles[] {
  return duplicateGroups(digests, (index) => read[index] === 1).map((group) => ({
    files: group.map((index) => source.name(index)),
    acrossClasses: new Set(group.map((index) => source.label(index))).size > 1,
  }));
}
