/** Where the time of making views goes. */

/** Time that passed, in seconds: until a file was read, decoded, its recipe and maps made, its views rendered. */
export interface PartSeconds {
  readonly read: number;
  readonly decode: number;
  readonly recipe: number;
  readonly render: number;
}

export function secondsSum(parts: readonly PartSeconds[]): PartSeconds {
  const sum = { read: 0, decode: 0, recipe: 0, render: 0 };
  for (const { read, decode, recipe, render } of parts) {
    sum.read += read;
    sum.decode += decode;
    sum.recipe += recipe;
    sum.render += render;
  }
  return sum;
}
