/** Values of options, checked as commander reads them. */
import { InvalidArgumentError } from "commander";

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`expected a whole number of at least ${least}`);
  };
}

/** A whole number of at least 1. */
export const count = wholeNumber(1);

/** Of an option that may be repeated: all of its values. */
export function collected(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
