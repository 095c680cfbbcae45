/** Says on stderr what happens while data are opened. */
import pc from "picocolors";
import type { IndexProgress } from "../dataset/image-source.js";
import { IndexingProgress } from "./indexing-progress.js";

export interface OpeningReport extends Disposable {
  readonly onRemark: (line: string) => void;
  readonly onProgress: (progress: IndexProgress) => void;
}

export interface OpeningReportOptions {
  readonly stream?: NodeJS.WriteStream;
  /** Also told of each remark. */
  readonly onRemark?: (line: string) => void;
}

/** Dispose of it when the data are open; remarks may follow. */
export function openingReport(options: OpeningReportOptions = {}): OpeningReport {
  const { stream = process.stderr, onRemark } = options;
  const indexing = new IndexingProgress(stream);
  return {
    onRemark(line) {
      indexing[Symbol.dispose]();
      onRemark?.(line);
      stream.write(`${pc.yellow("remark:")} ${line}\n`);
    },
    onProgress: (progress) => indexing.report(progress),
    [Symbol.dispose]: () => indexing[Symbol.dispose](),
  };
}
