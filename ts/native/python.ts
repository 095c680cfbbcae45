/** Python interpreters of this machine, and the torch that they have. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Interpreters in the order in which they are asked: `UDI_PYTHON`, the active environment, `python3`. */
export function pythons(env: NodeJS.ProcessEnv): string[] {
  const named = env.UDI_PYTHON ? [env.UDI_PYTHON] : [];
  const active = env.VIRTUAL_ENV ? [join(env.VIRTUAL_ENV, "bin", "python")] : [];
  return [...named, ...active, "python3"];
}

/** What an interpreter prints, or null where it cannot be run or fails. */
export function askPython(python: string, args: readonly string[], env: NodeJS.ProcessEnv): string | null {
  const answer = spawnSync(python, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return answer.status === 0 ? answer.stdout.trim() : null;
}

/** The folder of an interpreter's torch, found without importing it (which would take seconds); null: none. */
export function torchOf(python: string, env: NodeJS.ProcessEnv): string | null {
  const program =
    "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')";
  return askPython(python, ["-c", program], env) || null;
}

/** The first interpreter that has pip, or null. */
export function pythonWithPip(env: NodeJS.ProcessEnv): string | null {
  return pythons(env).find((python) => askPython(python, ["-m", "pip", "--version"], env) !== null) ?? null;
}
