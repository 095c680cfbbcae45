/** What the networks of an engine tell apart: they are shown images batch by batch, then comes the report. */
import type * as addon from "./addon.js";
import { finiteNumber } from "./argument-checks.js";
import { checkBatch } from "./check-batch.js";
import { delegate, delegateNow } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import type { ViewBatch } from "./rendered-views.js";
import type { InspectionReport, MultiCropBatch } from "./types.js";
import { ViewHandle } from "./view-handle.js";

/**
 * Images that both networks were shown. Nothing of the engine changes by it, not even BatchNorm's running statistics: a step
 * made afterwards is the same to the bit. A step made in between mixes two states of the networks.
 */
export interface NetworkInspection {
  /** Shows the global views of a batch: the first of each image to the teacher, the second to the student. */
  add(batch: MultiCropBatch | ViewBatch): Promise<void>;
  /**
   * What all images added show, with the teacher's distributions at this temperature. Throws ArgumentError for fewer than
   * two images, NonFiniteLossError where features are no numbers.
   */
  report(teacherTemperature: number): Promise<InspectionReport>;
}

/** An inspection by the engine that `open` gives, of no image yet. */
export function inspectionBy(open: () => addon.Engine): NetworkInspection {
  const addon = engineAddon();
  return new NativeInspection(
    open,
    delegateNow(() => new addon.Inspection()),
  );
}

class NativeInspection implements NetworkInspection {
  readonly #open: () => addon.Engine;
  readonly #shown: addon.Inspection;

  constructor(open: () => addon.Engine, shown: addon.Inspection) {
    this.#open = open;
    this.#shown = shown;
  }

  async add(batch: MultiCropBatch | ViewBatch): Promise<void> {
    const engine = this.#open();
    if (batch instanceof ViewHandle) {
      const { views } = batch;
      return delegate(() => engine.inspectViews(views, this.#shown));
    }
    const arrays = checkBatch(batch);
    return delegate(() => engine.inspectArrays(arrays, this.#shown));
  }

  async report(teacherTemperature: number): Promise<InspectionReport> {
    const engine = this.#open();
    const temperature = finiteNumber("teacherTemperature", teacherTemperature);
    return delegate(() => engine.inspected(this.#shown, temperature));
  }
}
