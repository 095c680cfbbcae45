/** A lock on a file, which the kernel takes back when the process ends, however it ends. */
import { fileName } from "./argument-checks.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";

/** Makes the file where there is none, and locks it. Null: another one has it. Throws RunError where files cannot be locked. */
export async function lockFile(file: string): Promise<Disposable | null> {
  const name = fileName("file", file);
  const lock = await delegate(() => engineAddon().lockFile(name));
  return lock === null ? null : { [Symbol.dispose]: () => lock.release() };
}
