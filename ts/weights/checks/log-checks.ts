/** Whether the logs of a run tell of every step once, as far as its newest checkpoint goes. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RUN_FILES } from "../../run/run-files.js";
import { attemptSlowly, type Check } from "./check.js";

/** `newest`: steps of the newest checkpoint. */
export async function* logChecks(run: string, newest: number): AsyncGenerator<Check> {
  if (!existsSync(join(run, RUN_FILES.environment)) && !existsSync(join(run, RUN_FILES.metrics))) {
    yield { part: "logs", name: "there", outcome: "skipped", detail: "no step was made here yet" };
    return;
  }
  const from = firstStep(run);
  yield await attemptSlowly(RUN_FILES.environment, "readable", async () => `from step ${await from}`);
  yield await attemptSlowly(RUN_FILES.metrics, "every step once", async () =>
    requireEverySteps(await loggedSteps(run, "metrics"), await from.catch(() => 0), newest),
  );
  const others = (["skipped", "evaluations", "watch"] as const).filter(
    // Runs of earlier versions have none.
    (log) => log !== "watch" || existsSync(join(run, RUN_FILES.watch)),
  );
  for (const log of others) {
    yield await attemptSlowly(RUN_FILES[log], "readable", async () =>
      requireOrder(await loggedSteps(run, log)),
    );
  }
}

/** Steps made before the first part of the run: 0, except where its weights come from elsewhere. */
async function firstStep(run: string): Promise<number> {
  type Part = { readonly fromStep: number };
  const text = await readFile(join(run, RUN_FILES.environment), "utf8");
  const { earlier = [], ...last } = JSON.parse(text) as Part & { readonly earlier?: readonly Part[] };
  return Math.min(...[last, ...earlier].map(({ fromStep }) => fromStep));
}

interface Logged {
  readonly steps: readonly number[];
  /** The last line is not whole, as a crash leaves it; a resume cuts it off. */
  readonly torn: boolean;
}

async function loggedSteps(
  run: string,
  log: "metrics" | "skipped" | "evaluations" | "watch",
): Promise<Logged> {
  const lines = (await readFile(join(run, RUN_FILES[log]), "utf8")).split("\n");
  const last = lines.pop(); // "" after a whole line
  return { steps: lines.map(stepOf), torn: last !== "" };
}

function stepOf(line: string, index: number): number {
  try {
    const { step } = JSON.parse(line) as { readonly step: number };
    if (Number.isSafeInteger(step)) return step;
  } catch {
    // Told below.
  }
  throw new Error(`line ${index + 1}: expected JSON with a step, found ${JSON.stringify(line.slice(0, 60))}`);
}

function requireEverySteps({ steps, torn }: Logged, from: number, newest: number): string {
  const wrong = steps.findIndex((step, index) => step !== from + index + 1);
  if (wrong >= 0)
    throw new Error(`line ${wrong + 1}: expected step ${from + wrong + 1}, found ${steps[wrong]}`);
  const last = from + steps.length;
  if (last < newest) throw new Error(`expected steps up to the newest checkpoint's ${newest}, found ${last}`);
  const ahead = last > newest ? `, ${last - newest} of them after the newest checkpoint` : "";
  return `${steps.length} steps${ahead}${torn ? ", and a line that is not whole" : ""}`;
}

function requireOrder({ steps, torn }: Logged): string {
  const wrong = steps.findIndex((step, index) => step < (steps[index - 1] ?? 0));
  if (wrong >= 0)
    throw new Error(`line ${wrong + 1}: step ${steps[wrong]} comes after step ${steps[wrong - 1]}`);
  return `${steps.length} lines${torn ? ", and one that is not whole" : ""}`;
}
