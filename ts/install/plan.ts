/** What an installation has to do on this machine, decided before anything is done. */
import { cudaDeclined } from "../native/fetch-libtorch.js";
import { findLibtorch, type Rejection } from "../native/libtorch.js";
import type { Libtorch } from "../native/libtorch-folder.js";
import { prebuiltAddon } from "../native/load-addon.js";
import { hasNvidiaDriver } from "../native/nvidia-driver.js";
import type { InstallNeeds } from "./requirements.js";

export interface InstallPlan extends InstallNeeds {
  /** The libtorch to use as it is; null: it is fetched first. */
  readonly libtorch: Libtorch | null;
  /** What to fetch. */
  readonly fetch: "nothing" | "libtorch" | "libtorch and CUDA";
  /** Folders that do not fit and are passed over. */
  readonly rejected: readonly Rejection[];
}

/** Largest space that wheels and what is unpacked from them take together. */
export const FETCH_GIGABYTES = { nothing: 0, libtorch: 2.5, "libtorch and CUDA": 9 } as const;

/** Looks at the machine and at `UDI_LIBTORCH`, which is used as it is or refused, never replaced by a fetched one. */
export function planInstall(env: NodeJS.ProcessEnv = process.env): InstallPlan {
  const { found, rejected } = findLibtorch({ env });
  const refused = rejected.find(({ source }) => source === "UDI_LIBTORCH") ?? null;
  const fetch = refused === null ? toFetch(found, env) : "nothing";
  return {
    libtorch: fetch === "nothing" ? found : null,
    fetch,
    fetchGigabytes: FETCH_GIGABYTES[fetch],
    compile: prebuiltAddon() === null,
    refused,
    rejected,
  };
}

function toFetch(found: Libtorch | null, env: NodeJS.ProcessEnv): InstallPlan["fetch"] {
  const wantsCuda = hasNvidiaDriver() && !cudaDeclined(env);
  const named = found?.source === "UDI_LIBTORCH";
  if (wantsCuda && !named && found?.cudaReady !== true) return "libtorch and CUDA";
  return found === null ? "libtorch" : "nothing";
}
