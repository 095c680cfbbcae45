/** Whether this machine has an NVIDIA driver. */
import koffi from "koffi";

let present: boolean | undefined;

/** Asks the dynamic loader itself for the driver's library, so that it is found wherever a system keeps it. */
export function hasNvidiaDriver(): boolean {
  present ??= canOpen("libcuda.so.1");
  return present;
}

function canOpen(library: string): boolean {
  try {
    koffi.load(library, { lazy: true });
    return true;
  } catch {
    return false;
  }
}
