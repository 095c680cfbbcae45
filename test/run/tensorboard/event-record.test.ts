import fc from "fast-check";
import { expect, test } from "vitest";
import {
  FOOTER_BYTES,
  HEADER_BYTES,
  scalarRecord,
  stepOf,
} from "../../../ts/run/tensorboard/event-record.js";

test("the step of any event can be told from its message", () => {
  const step = fc.nat(Number.MAX_SAFE_INTEGER);
  const property = fc.property(step, fc.double({ noNaN: true }), (step, time) => {
    const record = scalarRecord({ time, step, scalars: { loss: 1 } });
    expect(stepOf(record.subarray(HEADER_BYTES, record.length - FOOTER_BYTES))).toBe(step);
  });
  fc.assert(property);
});

test("anything else has no step", () => {
  expect(stepOf(Buffer.from(""))).toBeNull();
  expect(stepOf(Buffer.from("not an event at all"))).toBeNull();
});
