import { expect, test } from "vitest";
import { watchScalars } from "../../../ts/run/tensorboard/scalars.js";
import { watchAt } from "../example-run.js";

test("a look is shown with its entropies as shares of the largest, and a centre for each level", () => {
  expect(watchScalars({ ...watchAt(6), entropyOfMean: Math.log(512), meanEntropy: 0 })).toEqual({
    "watch/effectiveRank": 15,
    "watch/spread": 0.5,
    "watch/entropyOfMean": 1,
    "watch/meanEntropy": 0,
    "watch/divergence": 2,
    "watch/prototypesUsed": 0.25,
    "watch/agreement": 0.5,
    "watch/chanceAgreement": 0.25,
    "watch/centerNorm/cls": 6,
    "watch/centerNorm/clsPlus": 6,
    "watch/centerNorm/patch": 6,
  });
});
