/** The state of a file, by which an index of it is known to be out of date. */
import { stat } from "node:fs/promises";

/** Path, size and times of a file as one text. Throws the system's errors. */
export async function fileStamp(file: string): Promise<string> {
  const { size, mtimeNs, ctimeNs, ino } = await stat(file, { bigint: true });
  return `${file} ${size} ${mtimeNs} ${ctimeNs} ${ino}`;
}
