import { chmodSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { missingRequirements, requireAll } from "../../ts/install/requirements.js";
import { put, temporaryFolder } from "../native/fake-libtorch.js";

const NEEDS = { compile: true, fetchGigabytes: 0.001, refused: null };

/** A PATH with programs that print one line. */
function pathWith(programs: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, line] of Object.entries(programs)) {
    put(join(folder, name), `#!/bin/sh\necho '${line}'\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

test("on a machine with nothing, everything missing is one message with a mend for each", () => {
  const missing = missingRequirements(NEEDS, { PATH: temporaryFolder(), XDG_CACHE_HOME: temporaryFolder() });
  expect(missing.map(({ what }) => what.split(":")[0])).toEqual([
    expect.stringContaining("libtorch 2.11.0"),
    "Rust",
    "C++",
  ]);
  expect(() => requireAll(missing)).toThrow(
    /3 things are missing[\s\S]*python3-pip[\s\S]*rustup[\s\S]*g\+\+/,
  );
});

test("a machine with all of it misses nothing", () => {
  const env = {
    PATH: pathWith({ cargo: "cargo 1.89.0", "c++": "c++ 12", python3: "pip 23" }),
    HOME: temporaryFolder(),
  };
  expect(missingRequirements(NEEDS, env)).toEqual([]);
  expect(() => requireAll([])).not.toThrow();
});

test("the tools of this machine are recognised", () => {
  expect(missingRequirements({ ...NEEDS, fetchGigabytes: 0 })).toEqual([]);
});

test("a Rust that is too old is named with its version", () => {
  const PATH = pathWith({ cargo: "cargo 1.87.0 (99624be96 2025-05-06)", "c++": "c++ 12" });
  const missing = missingRequirements({ ...NEEDS, fetchGigabytes: 0 }, { PATH });
  expect(missing).toEqual([
    { what: expect.stringMatching(/1\.89 or newer, found cargo 1\.87\.0/), mend: "rustup update stable" },
  ]);
});

test("a disk that is too small is named with what is free", () => {
  const env = { PATH: pathWith({ python3: "pip 23" }), XDG_CACHE_HOME: temporaryFolder() };
  const [missing] = missingRequirements({ compile: false, refused: null, fetchGigabytes: 1e9 }, env);
  expect(missing?.what).toMatch(/^disk: expected 1000000000 GB free for .*, found [\d.]+ GB$/);
});

test("a refused UDI_LIBTORCH is in the list", () => {
  const refused = { source: "UDI_LIBTORCH", path: "/opt/torch", reason: "expected A, found B" } as const;
  const [missing] = missingRequirements({ compile: false, fetchGigabytes: 0, refused }, {});
  expect(missing?.what).toBe("libtorch: UDI_LIBTORCH=/opt/torch: expected A, found B");
});
