/** Run by `npm install` in a clone, after the TypeScript is compiled: libtorch, link view, addon. */
import { spawnSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InstallError, UdiError } from "../errors.js";
import { fetchLibtorch } from "../native/fetch-libtorch.js";
import { describeRejection, requireLibtorch } from "../native/libtorch.js";
import type { Libtorch } from "../native/libtorch-folder.js";
import { writeLinkView } from "../native/link-view.js";
import { packageRoot } from "../native/package-root.js";
import { pythonWithPip } from "../native/python.js";
import type { Say } from "../native/wheels.js";
import { linkCommand } from "./link-command.js";
import { type InstallPlan, planInstall } from "./plan.js";
import { missingRequirements, requireAll } from "./requirements.js";

/** Throws InstallError with everything that is missing before anything is fetched or built. */
export async function prepare(env: NodeJS.ProcessEnv, say: Say): Promise<void> {
  linkCommand(packageRoot);
  if (env.UDI_SKIP_NATIVE === "1") {
    say(
      "UDI_SKIP_NATIVE=1: libtorch is not looked for and the addon is not built; `npm run build` does both",
    );
    return;
  }
  const plan = planInstall(env);
  requireAll(missingRequirements(plan, env));
  const libtorch = plan.libtorch ?? (await fetchPlanned(plan, env, say));
  say(`libtorch ${libtorch.version} (${libtorch.source}): ${libtorch.root}`);
  if (!plan.compile) return say("the prebuilt addon of this platform is installed: nothing to compile");
  writeLinkView(libtorch, join(packageRoot, "target", "link-view"));
  buildAddon(env);
}

async function fetchPlanned(plan: InstallPlan, env: NodeJS.ProcessEnv, say: Say): Promise<Libtorch> {
  for (const rejection of plan.rejected) say(`passed over: ${describeRejection(rejection)}`);
  const python = pythonWithPip(env) as string; // requireAll has made sure of it
  await fetchLibtorch({ python, env, say, cuda: plan.fetch === "libtorch and CUDA" });
  return requireLibtorch({ env });
}

function buildAddon(env: NodeJS.ProcessEnv): void {
  // A LIBTORCH of the user would go before the link view that .cargo/config.toml names.
  const { LIBTORCH: _, ...rest } = env;
  const built = spawnSync("npm", ["run", "build:native"], { cwd: packageRoot, env: rest, stdio: "inherit" });
  if (built.status === 0) return;
  throw new InstallError("the native addon could not be built: see the lines above", {
    hint: "npm run build",
  });
}

const isMain =
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isMain) {
  try {
    await prepare(process.env, (line) => console.log(`udi-native: ${line}`));
  } catch (error) {
    if (!(error instanceof UdiError)) throw error;
    console.error(`error: ${error.message}${error.hint === undefined ? "" : `\nhint: ${error.hint}`}`);
    process.exitCode = error.exitCode;
  }
}
