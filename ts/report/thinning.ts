/** Makes a long series short enough to draw, in one pass and bounded memory, and loses no extreme value. */

/** Values by name at one step. */
export interface Sample {
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
}

/** Neighbouring steps as one point. Names without a finite value in them have null. */
export interface ThinSeries {
  /** Last step of each point. */
  readonly steps: readonly number[];
  readonly series: Readonly<Record<string, Spread>>;
  /** Steps that went into a point, at most. */
  readonly stepsPerPoint: number;
}

/** For each point. */
export interface Spread {
  readonly mean: readonly (number | null)[];
  readonly min: readonly (number | null)[];
  readonly max: readonly (number | null)[];
}

interface Gathered {
  count: number;
  sum: number;
  min: number;
  max: number;
}

interface Point {
  samples: number;
  step: number;
  readonly values: Map<string, Gathered>;
}

export class Thinning {
  readonly #most: number;
  #points: Point[] = [];
  #perPoint = 1;

  /** At most `most` points, an even number, and at least half as many where there are more samples. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Samples come in the order of their steps. */
  add({ step, values }: Sample): void {
    const point = this.#open(step);
    point.samples += 1;
    point.step = step;
    for (const [name, value] of Object.entries(values)) {
      if (Number.isFinite(value))
        gather(point.values, name, { count: 1, sum: value, min: value, max: value });
    }
  }

  result(): ThinSeries {
    const names = new Set(this.#points.flatMap(({ values }) => [...values.keys()]));
    const series = [...names].sort().map((name) => [name, spreadOf(this.#points, name)] as const);
    return {
      steps: this.#points.map(({ step }) => step),
      series: Object.fromEntries(series),
      stepsPerPoint: this.#perPoint,
    };
  }

  /** The point that the next sample goes into. */
  #open(step: number): Point {
    const last = this.#points.at(-1);
    if (last !== undefined && last.samples < this.#perPoint) return last;
    if (this.#points.length === this.#most) {
      this.#points = halved(this.#points);
      this.#perPoint *= 2;
      return this.#open(step);
    }
    const point: Point = { samples: 0, step, values: new Map() };
    this.#points.push(point);
    return point;
  }
}

function halved(points: readonly Point[]): Point[] {
  const half: Point[] = [];
  for (let index = 0; index < points.length; index += 2) {
    const first = points[index] as Point;
    const second = points[index + 1];
    if (second !== undefined) join(first, second);
    half.push(first);
  }
  return half;
}

function join(into: Point, other: Point): void {
  into.samples += other.samples;
  into.step = other.step;
  for (const [name, gathered] of other.values) gather(into.values, name, gathered);
}

function gather(values: Map<string, Gathered>, name: string, { count, sum, min, max }: Gathered): void {
  const known = values.get(name);
  if (known === undefined) values.set(name, { count, sum, min, max });
  else {
    known.count += count;
    known.sum += sum;
    known.min = Math.min(known.min, min);
    known.max = Math.max(known.max, max);
  }
}

function spreadOf(points: readonly Point[], name: string): Spread {
  const found = points.map(({ values }) => values.get(name));
  return {
    mean: found.map((point) => (point === undefined ? null : point.sum / point.count)),
    min: found.map((point) => point?.min ?? null),
    max: found.map((point) => point?.max ?? null),
  };
}
