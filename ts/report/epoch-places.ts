/** Where in the steps of a run its epochs lie, for axes in epochs. */

/** Epochs done after a step. Between two places, and beyond the last two, they follow a straight line. */
export interface EpochPlace {
  readonly step: number;
  readonly epochs: number;
}

interface Numbered {
  readonly step: number;
  /** Counted from 1. */
  readonly epoch: number;
}

/** Gathers places from the steps of a log. Epochs of the same length need two places, however many they are. */
export class EpochPlaces {
  #places: EpochPlace[] = [];
  #last: Numbered | null = null;

  /** Steps come in their order; the first one is taken to begin its epoch. */
  add({ step, epoch }: Numbered): void {
    if (this.#last === null) this.#places = [{ step: step - 1, epochs: epoch - 1 }];
    else if (epoch !== this.#last.epoch) this.#push({ step: this.#last.step, epochs: epoch - 1 });
    this.#last = { step, epoch };
  }

  /**
   * None without steps, otherwise at least two. `stepsPerEpoch` is the length of the epoch that is not done; where it is not
   * known (null), that of the one before, or the steps so far.
   */
  result(stepsPerEpoch: number | null): EpochPlace[] {
    const [before, end] = [this.#places.at(-2), this.#places.at(-1)];
    if (end === undefined || this.#last === null) return [];
    const earlier = before === undefined ? null : (end.step - before.step) / (end.epochs - before.epochs);
    const length = stepsPerEpoch ?? earlier ?? this.#last.step - end.step;
    return joined(this.#places, { step: end.step + length, epochs: end.epochs + 1 });
  }

  #push(place: EpochPlace): void {
    this.#places = joined(this.#places, place);
  }
}

/** The last place goes where the new one goes on in the same line. */
function joined(places: readonly EpochPlace[], next: EpochPlace): EpochPlace[] {
  const [before, end] = [places.at(-2), places.at(-1)];
  const straight =
    before !== undefined &&
    end !== undefined &&
    (end.step - before.step) * (next.epochs - end.epochs) ===
      (next.step - end.step) * (end.epochs - before.epochs);
  return [...(straight ? places.slice(0, -1) : places), next];
}
