import { expect, test } from "vitest";
import { start } from "./command.js";

test.each([["train", "--help"], ["--version"]])(
  "%s is quiet where nobody reads what it prints",
  async (...args) => {
    const { child, ended } = start(...args);
    child.stdout?.destroy();
    expect(await ended).toEqual({ status: 0, signal: null, stdout: "", stderr: "" });
  },
);
