/** The addon with its types, and the end of its threads with the process. */
import type * as addon from "./addon.js";
import { loadAddon } from "./load-addon.js";

let loaded: typeof addon | undefined;

/** Loads the addon once per thread of JavaScript. Throws InstallError where there is none. */
export function engineAddon(): typeof addon {
  loaded ??= load();
  return loaded;
}

/** `process.exit` runs the destructors of libtorch, which must not happen while an engine computes. */
function load(): typeof addon {
  const native = loadAddon<typeof addon>();
  process.once("exit", () => native.endThreads());
  return native;
}
