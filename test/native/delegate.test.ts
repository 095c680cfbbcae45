import { expect, test } from "vitest";
import { ArgumentError, NativeError, NonFiniteLossError, RunError } from "../../ts/errors.js";
import { delegate } from "../../ts/native/delegate.js";

/** A call of the addon that fails as the addon does. */
const failing =
  (code: unknown, message = "what failed", cause?: unknown) =>
  () =>
    Promise.reject(Object.assign(new Error(message, { cause }), { code }));

test.each([
  ["UDI_ARGUMENT", ArgumentError],
  ["UDI_NON_FINITE", NonFiniteLossError],
  ["UDI_RUN", RunError],
  ["UDI_NATIVE", NativeError],
  ["InvalidArg", ArgumentError],
  ["NumberExpected", ArgumentError],
  ["GenericFailure", NativeError],
  ["toString", NativeError],
  [undefined, NativeError],
])("an error of the addon with code %s becomes one of the family", async (code, type) => {
  const error = await delegate(failing(code)).catch((reason) => reason);
  expect(error).toBeInstanceOf(type);
  expect(error.message).toBe("what failed");
});

test("what the addon throws at once is treated like what it rejects with", async () => {
  const call = () => {
    throw Object.assign(new Error("not an array"), { code: "ArrayExpected" });
  };
  await expect(delegate(call)).rejects.toBeInstanceOf(ArgumentError);
});

test("the errors behind an error are kept as its causes", async () => {
  const cause = new Error("the disk is full", { cause: new Error("no blocks") });
  const error = await delegate(failing("UDI_RUN", "not written: the disk is full", cause)).catch((e) => e);
  expect(error.cause).toBe(cause);
  expect(error.cause.cause.message).toBe("no blocks");
});

test("the stack is that of the caller, whoever awaits it and when", async () => {
  function asks() {
    return delegate(failing("UDI_NATIVE"));
  }
  const settled = asks().catch((reason) => reason);
  await new Promise((resolve) => setImmediate(resolve));
  const error = await settled;
  expect(error.stack).toMatch(/^NativeError: what failed\n\s+at asks .*delegate\.test\.ts/);
});

test.each(["CUDA out of memory", "not enough memory: you tried to allocate 9 bytes"])(
  "too little memory has its own way out: %s",
  async (message) => {
    const error = await delegate(failing("UDI_NATIVE", message)).catch((reason) => reason);
    expect(error.hint).toMatch(/smaller batch/);
  },
);

test("errors of the family and values that are no errors pass through", async () => {
  const known = new RunError("known");
  await expect(delegate(() => Promise.reject(known))).rejects.toBe(known);
  await expect(delegate(() => Promise.reject(5))).rejects.toBe(5);
  expect(await delegate(() => 7)).toBe(7);
});
