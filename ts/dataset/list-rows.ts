/** Lists of files: text with one path a line, or CSV/TSV with a path and perhaps a label in each row. */
import { CsvError, type Options, parse } from "csv-parse/sync";
import { DataError } from "../errors.js";
import { IMAGE_ENDINGS, isImageName } from "./image-names.js";

export interface ListRow {
  readonly path: string;
  /** Empty: none. */
  readonly label: string;
}

const PATH_COLUMN = /^(path|file|file_?name|file_?path|image|image_?path|img|img_?path)$/i;
const LABEL_COLUMN = /^(label|class|class_?name|class_?id|target|category|y)$/i;

/** Enough to see how a list is written. */
const HEAD = 64 * 1024;

/** Calls `onRow` for each image. Throws DataError, which names `file`, where the text cannot be read as a list. */
export function readListRows(text: Buffer, file: string, onRow: (row: ListRow) => void): void {
  const head = text.toString("utf8", 0, HEAD).replace(/^\uFEFF/, "");
  if (head.includes("\0")) throw noText(file);
  const separator = separatorOf(head.split(/\r?\n/), file);
  if (separator === null || separator === " ") readLines(text, separator, onRow);
  else readTable({ text, separator, file, onRow });
}

/** What stands after the name of an image; null: nothing, each line is a path. */
function separatorOf(lines: readonly string[], file: string): string | null {
  const after = new RegExp(`\\.(?:${IMAGE_ENDINGS.replaceAll(" ", "|")})"?(?:([\\t,;])| +\\S+$)`, "i");
  for (const line of lines) {
    const found = after.exec(line);
    if (found !== null) return found[1] ?? " ";
  }
  if (/\.tsv$/i.test(file)) return "\t";
  return /\.csv$/i.test(file) ? "," : null;
}

function readLines(text: Buffer, separator: " " | null, onRow: (row: ListRow) => void): void {
  const lines = text
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/);
  for (const [number, line] of lines.entries()) {
    const [path, label] = separator === null ? [line, ""] : splitAtLastSpace(line);
    if (path.trim() === "" || (number === 0 && PATH_COLUMN.test(path))) continue;
    onRow({ path, label });
  }
}

function splitAtLastSpace(line: string): readonly [path: string, label: string] {
  const found = /^(.*\S)\s+(\S+)$/.exec(line);
  if (found === null || isImageName(line)) return [line, ""];
  return [found[1] as string, found[2] as string];
}

interface Table {
  readonly text: Buffer;
  readonly separator: string;
  readonly file: string;
  readonly onRow: (row: ListRow) => void;
}

function readTable({ text, separator, file, onRow }: Table): void {
  const head: string[][] = [];
  let columns: Columns | null = null;
  const give = (fields: readonly string[], { path, label }: Columns) => {
    const row = { path: fields[path] ?? "", label: fields[label]?.trim() ?? "" };
    if (row.path !== "") onRow(row);
  };
  const start = () => {
    columns = columnsOf(head);
    for (const fields of head.slice(columns.header ? 1 : 0)) give(fields, columns);
  };
  const onRecord = (fields: string[]) => {
    if (columns !== null) give(fields, columns);
    else if (head.push(fields) === 2) start();
    return null;
  };
  parsed(text, file, { delimiter: separator, on_record: onRecord });
  if (columns === null && head.length > 0) start();
}

function parsed(text: Buffer, file: string, options: Options): void {
  try {
    parse(text, {
      bom: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      ...options,
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new DataError(`data list ${file}: expected rows of a table: ${cause.message}`, {
      hint: 'a path with a quote or a separator in it is written in quotes, "" for a quote within',
      cause,
    });
  }
}

interface Columns {
  readonly header: boolean;
  readonly path: number;
  /** -1: none. */
  readonly label: number;
}

/** A first row is a header where it names a column of paths, or where names of images begin below it. */
function columnsOf([first = [], second = []]: readonly string[][]): Columns {
  const named = first.findIndex((name) => PATH_COLUMN.test(name.trim()));
  const header = named >= 0 || (!first.some(isImageName) && second.some(isImageName));
  if (!header) return { header, path: 0, label: first.length > 1 ? 1 : -1 };
  const path = named >= 0 ? named : second.findIndex(isImageName);
  const label = first.findIndex((name) => LABEL_COLUMN.test(name.trim()));
  return { header, path, label };
}

function noText(file: string): DataError {
  return new DataError(`data list ${file}: expected text with one path a line, received binary data`, {
    hint: "a list is a .txt, .csv or .tsv file with paths of images, relative to its own folder",
  });
}
