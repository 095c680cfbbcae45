/** RandAugment policies as timm writes them: `rand-m9-mstd0.5-inc1`. */
import { ConfigError, received } from "../errors.js";

export interface RandAugmentPolicy {
  /** Strength, from 0 to 10. */
  readonly magnitude: number;
  /** Operations drawn for an image; each is left out half of the time. */
  readonly operations: number;
  /** Standard deviation of the magnitude from one operation to the next; 0: it is always the same. */
  readonly deviation: number;
  /** Whether every operation changes the more the larger the magnitude. */
  readonly increasing: boolean;
  /** Whether operations are drawn by timm's weights `w0`, no operation twice; else all are equally likely. */
  readonly weighted: boolean;
}

/** A section's key, the values that it takes, and what it decides. */
const SECTIONS: readonly {
  readonly key: RegExp;
  readonly parts: (value: string) => Partial<RandAugmentPolicy>;
}[] = [
  { key: /^mstd(\d+(?:\.\d+)?)$/, parts: (value) => ({ deviation: Number(value) }) },
  { key: /^m(\d|10)$/, parts: (value) => ({ magnitude: Number(value) }) },
  { key: /^n([1-9]|1\d)$/, parts: (value) => ({ operations: Number(value) }) },
  { key: /^inc([01])$/, parts: (value) => ({ increasing: value === "1" }) },
  { key: /^w(0)$/, parts: () => ({ weighted: true }) },
];

const DEFAULTS: RandAugmentPolicy = {
  magnitude: 10,
  operations: 2,
  deviation: 0,
  increasing: false,
  weighted: false,
};

/** Operations that `w0` gives a weight above 0. */
const MOST_WEIGHTED = 13;

const HINT =
  "write rand, then what shall not be as timm has it, with dashes between: m0 to m10 (strength, 10), n1 to n19 (operations, 2), " +
  "mstd0.5 (spread of the strength, 0), inc1 (stronger with the strength throughout), w0 (weighted choice); " +
  "for example rand-m9-mstd0.5-inc1";

/** Throws ConfigError where the text is no policy. */
export function randAugmentPolicy(text: string): RandAugmentPolicy {
  const [name, ...sections] = text.split("-");
  if (name !== "rand") throw refused(text, 'a policy that begins with "rand"', text);
  let policy = DEFAULTS;
  const seen = new Set<RegExp>();
  for (const section of sections) {
    const found = SECTIONS.find(({ key }) => key.test(section));
    if (found === undefined) throw refused(text, "sections m, n, mstd, inc and w with their values", section);
    if (seen.has(found.key)) throw refused(text, "each section once", section);
    seen.add(found.key);
    policy = { ...policy, ...found.parts(found.key.exec(section)?.[1] as string) };
  }
  if (policy.weighted && policy.operations > MOST_WEIGHTED)
    throw refused(text, `at most n${MOST_WEIGHTED} with w0`, `n${policy.operations}`);
  return policy;
}

function refused(text: string, expected: string, value: string): ConfigError {
  const where = value === text ? "" : ` ${text}`;
  return new ConfigError(`auto-augment${where}: expected ${expected}, received ${received(value)}`, {
    hint: HINT,
  });
}
