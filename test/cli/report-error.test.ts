import { expect, test } from "vitest";
import { reportError } from "../../ts/cli/report-error.js";
import { ConfigError, NonFiniteLossError } from "../../ts/errors.js";

test("what the user can mend is printed with its hint and exits 2", () => {
  const report = reportError(
    new ConfigError("training.epochs: expected 1 or more", { hint: "--set training.epochs=1" }),
  );
  expect(report.exitCode).toBe(2);
  expect(report.text).toMatch(
    /error:.* training\.epochs: expected 1 or more\n.*hint:.* --set training\.epochs=1$/,
  );
});

test("what failed while running exits 1 without a stack", () => {
  const report = reportError(new NonFiniteLossError("loss is NaN"));
  expect(report.exitCode).toBe(1);
  expect(report.text).not.toContain(" at ");
});

test("a defect is printed with its stack and exits 1", () => {
  const report = reportError(new TypeError("no such field"));
  expect(report.exitCode).toBe(1);
  expect(report.text).toMatch(/TypeError: no such field\n\s+at /);
});
