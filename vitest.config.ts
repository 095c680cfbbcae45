import { defineConfig } from "vitest/config";

/** Native addons must not be unloaded with a worker thread, so every test file runs in a forked process. */
export default defineConfig({
  test: {
    pool: "forks",
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
