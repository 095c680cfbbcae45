/** Batches and schedules of a step, and views to embed: plain values of the right kind and length. */
import type * as addon from "./addon.js";
import {
  finiteNumber,
  float32Array,
  int32Array,
  pixelArray,
  record,
  truth,
  type Unchecked,
  wholeNumber,
} from "./argument-checks.js";

export function checkSchedule(value: unknown): addon.ScheduleValues {
  const at = record("schedule", value);
  return {
    learningRate: finiteNumber("learningRate", at.learningRate),
    weightDecay: finiteNumber("weightDecay", at.weightDecay),
    momentum: finiteNumber("momentum", at.momentum),
    teacherTemperature: finiteNumber("teacherTemperature", at.teacherTemperature),
    freezeLastLayer: truth("freezeLastLayer", at.freezeLastLayer),
  };
}

export function checkBatch(value: unknown): addon.MultiCropBatch {
  const batch = record("batch", value);
  const shape = checkShape(batch);
  const { images, globalSize, localCrops, localSize } = shape;
  const globals = [2, images, 3, globalSize, globalSize];
  const locals = [localCrops, images, 3, localSize, localSize];
  return {
    shape,
    globalViews: pixelArray("globalViews", batch.globalViews, globals),
    localViews: pixelArray("localViews", batch.localViews, locals),
    ...(batch.maps === null ? {} : { maps: checkMaps(batch.maps) }),
  };
}

/** The side of local views says nothing where there are none. */
export function checkShape(shape: Unchecked): addon.BatchShape {
  const localCrops = wholeNumber("localCrops", shape.localCrops);
  return {
    images: wholeNumber("images", shape.images, 1),
    globalSize: wholeNumber("globalSize", shape.globalSize, 1),
    localCrops,
    localSize: wholeNumber("localSize", shape.localSize, localCrops === 0 ? 0 : 1),
  };
}

function checkMaps(value: unknown): addon.SamplingMaps {
  const maps = record("maps", value);
  return {
    globalSource: int32Array("maps.globalSource", maps.globalSource),
    globalTarget: checkTarget("maps.globalTarget", maps.globalTarget),
    localTarget: checkTarget("maps.localTarget", maps.localTarget),
  };
}

export function checkTarget(name: string, value: unknown): addon.TargetSamples {
  const target = record(name, value);
  return {
    tokens: int32Array(`${name}.tokens`, target.tokens),
    weights: float32Array(`${name}.weights`, target.weights),
  };
}

export function checkEvaluationViews(value: unknown): addon.EvaluationViews {
  const views = record("views", value);
  const images = wholeNumber("views.images", views.images, 1);
  const size = wholeNumber("views.size", views.size, 1);
  const pixels = pixelArray("views.pixels", views.pixels, [images, 3, size, size]);
  return { images, size, pixels };
}
