/** How fast a run goes, smoothed over the last steps or so. */
import type { StepRecord } from "../run/records.js";

/** Share of the newest step in the average. */
const NEWEST = 0.1;

export interface Pace {
  readonly imagesPerSecond: number;
  /** Share of the time that the loop waits for data, in [0, 1]. */
  readonly waiting: number;
  readonly secondsPerStep: number;
}

/** The first step, which also warms up libraries, is forgotten with the second. */
export class PaceMeter {
  #steps = 0;
  #seconds = 0;
  #waited = 0;
  #images = 0;

  /** Takes in a step and returns the pace after it. */
  add({ seconds, dataWaitSeconds, imagesPerSecond }: StepRecord): Pace {
    const whole = seconds + dataWaitSeconds;
    const weight = this.#steps < 2 ? 1 : Math.max(NEWEST, 1 / this.#steps);
    this.#steps += 1;
    this.#seconds += weight * (whole - this.#seconds);
    this.#waited += weight * (dataWaitSeconds - this.#waited);
    this.#images += weight * (imagesPerSecond * whole - this.#images);
    return {
      imagesPerSecond: this.#images / this.#seconds,
      waiting: this.#waited / this.#seconds,
      secondsPerStep: this.#seconds,
    };
  }
}
