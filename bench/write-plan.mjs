// Writes the plan of a step benchmark for a machine without Node: `node bench/write-plan.mjs FILE KEY=VALUE …`, with keys of
// the configuration. What depends on that machine (device, precision, threads) is said there.
import { writeFileSync } from "node:fs";
import { stepPlan, stepPlanText } from "../dist/benchmark/step-plan.js";
import { loadConfig } from "../dist/config/load.js";
import { resolveConfig } from "../dist/config/resolve.js";

const [file, ...set] = process.argv.slice(2);
if (file === undefined) throw new Error("expected the file to write, then keys of the configuration");
const config = loadConfig({ file: "defaults", set: ["device=cpu", "precision=fp32", ...set] });
const { batchSize } = config.training;
const machine = { cores: 1, cudaDevices: 0, cudaBf16: false, cpuBf16: false };
writeFileSync(
  file,
  stepPlanText(stepPlan(resolveConfig(config, { ...machine, samples: batchSize, labelled: false }))),
);
