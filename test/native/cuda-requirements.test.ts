import { expect, test } from "vitest";
import { cudaRequirements } from "../../ts/native/cuda-requirements.js";

const METADATA = `Name: torch
Requires-Dist: filelock
Requires-Dist: cuda-toolkit[cublas,cudart]==13.0.2; platform_system == "Linux"
Requires-Dist: cuda-bindings<14,>=13.0.3; platform_system == "Linux"
Requires-Dist: nvidia-cudnn-cu13==9.19.0.56; platform_system == "Linux"
Requires-Dist: nvidia-tools; extra == "tools"
Requires-Dist: triton==3.6.0; platform_system == "Linux"

Mentions nvidia-nothing.
`;

test("only NVIDIA's libraries are taken from the metadata, without markers and options", () => {
  expect(cudaRequirements(METADATA)).toEqual([
    "cuda-toolkit[cublas,cudart]==13.0.2",
    "nvidia-cudnn-cu13==9.19.0.56",
  ]);
});

test("a build for CPU has none", () => {
  expect(cudaRequirements("Requires-Dist: sympy>=1.13.3\n")).toEqual([]);
});
