/** What torch needs of CUDA, read from the metadata of its own wheel so that no version is written down twice. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** `Requires-Dist: nvidia-nccl-cu13==2.28.9; platform_system == "Linux"`; a marker with `extra` is an option. */
const REQUIREMENT = /^Requires-Dist: ((?:nvidia-|cuda-toolkit)[^;\s]+)(?:;(?!.*\bextra\b).*)?$/gm;

/** NVIDIA's requirements in the metadata of a torch wheel, as pip reads them. */
export function cudaRequirements(metadata: string): string[] {
  return [...metadata.matchAll(REQUIREMENT)].map(([, requirement]) => requirement as string);
}

/** The metadata of the torch wheel that was unpacked into `folder`; empty where it is missing. */
export function torchMetadata(folder: string): string {
  const description = readdirSync(folder).find((name) => /^torch-.*\.dist-info$/.test(name));
  return description === undefined ? "" : readFileSync(join(folder, description, "METADATA"), "utf8");
}
