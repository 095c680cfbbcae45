import { expect, test } from "vitest";
import { metricValues } from "../../ts/report/metric-values.js";
import { stepAt } from "../run/example-run.js";

test("the share of waiting is that of step and wait together", () => {
  const { waitShare } = metricValues({ ...stepAt(1), seconds: 3, dataWaitSeconds: 1 });
  expect(waitShare).toBe(25);
});

test("parts of the time that data takes are there where they were logged, and a loss scale where it scales", () => {
  const { dataSeconds: _, ...before } = stepAt(1);
  const plain = metricValues(before);
  expect(Object.keys(plain).filter((name) => name.startsWith("data."))).toEqual([]);
  expect(plain).not.toHaveProperty("lossScale");
  const whole = metricValues({
    ...stepAt(1),
    lossScale: 1024,
    dataSeconds: { read: 0.5, decode: 2, recipe: 0, render: 1 },
  });
  expect(whole).toMatchObject({ "data.read": 0.5, "data.decode": 2, lossScale: 1024 });
});
