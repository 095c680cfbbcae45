/** Loads the native addon: the prebuilt package of this platform if it is installed, else what was built here. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { InstallError } from "../errors.js";
import { openLibtorch } from "./open-libtorch.js";
import { packageRoot, packageVersion } from "./package-root.js";

const PLATFORM = "linux-x64-gnu";
const PREBUILT = `udi-native-${PLATFORM}`;

const require = createRequire(import.meta.url);
let loaded: unknown;

/** The prebuilt platform package of this very version, or null. */
export function prebuiltAddon(): string | null {
  try {
    const description = require(`${PREBUILT}/package.json`) as { version: string };
    return description.version === packageVersion() ? require.resolve(PREBUILT) : null;
  } catch {
    return null;
  }
}

/** File of the addon that `loadAddon` takes, or null where there is none. */
export function addonFile(): string | null {
  const built = join(packageRoot, "dist", "addon", `udi-native.${PLATFORM}.node`);
  return prebuiltAddon() ?? (existsSync(built) ? built : null);
}

/** Opens libtorch, then the addon; once per process. Throws InstallError if either is missing or does not load. */
export function loadAddon<T>(): T {
  loaded ??= load();
  return loaded as T;
}

function load(): unknown {
  const file = addonFile();
  if (file === null) {
    throw new InstallError("the native addon is not built: expected it in dist/addon, found none", {
      hint: "npm run build",
    });
  }
  openLibtorch();
  try {
    return require(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InstallError(`the native addon ${file} cannot be loaded: ${reason}`, {
      hint: "npm run build",
      cause,
    });
  }
}
