/** What is kept of each examined image: numbers in a few arrays, 21 bytes an image, so that a million fit into little memory. */
import type { ExaminedImage } from "./examined-image.js";

/** Texts by number: of a million images most say the same. */
class Vocabulary {
  readonly texts: string[] = [];
  readonly #numbers = new Map<string, number>();

  number(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }
}

export interface BadImage {
  readonly index: number;
  readonly reason: string;
}

export class Records {
  readonly widths: Uint32Array;
  readonly heights: Uint32Array;
  readonly digests: BigUint64Array;
  /** 1: read, so that its digest counts. */
  readonly read: Uint8Array;
  bytes = 0;
  usable = 0;
  readonly formats = new Map<string, number>();
  readonly colours = new Map<string, number>();
  readonly #bad: number[] = [];
  readonly #badReasons: number[] = [];
  readonly #reasons = new Vocabulary();

  constructor(count: number) {
    this.widths = new Uint32Array(count);
    this.heights = new Uint32Array(count);
    this.digests = new BigUint64Array(count);
    this.read = new Uint8Array(count);
  }

  /** In any order; each index once. */
  add(index: number, { bytes, digest, outcome }: ExaminedImage): void {
    this.bytes += bytes;
    if (digest !== null) {
      this.read[index] = 1;
      this.digests[index] = digest;
    }
    if ("reason" in outcome) {
      this.#bad.push(index);
      this.#badReasons.push(this.#reasons.number(outcome.reason));
      return;
    }
    this.usable += 1;
    this.widths[index] = outcome.width;
    this.heights[index] = outcome.height;
    increase(this.formats, outcome.format);
    increase(this.colours, outcome.colours);
  }

  /** In the order of the source. */
  bad(): BadImage[] {
    const found = this.#bad.map((index, at) => ({
      index,
      reason: this.#reasons.texts[this.#badReasons[at] ?? 0] ?? "",
    }));
    return found.sort((a, b) => a.index - b.index);
  }
}

function increase(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
