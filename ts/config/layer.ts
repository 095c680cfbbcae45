/** One source of values (a file, the command line) and how such sources are laid over one another. */

/** A map of keys, as YAML gives it: not checked yet. */
export type Tree = { readonly [key: string]: unknown };

/** Where each key was set, by its dotted form: `my.yaml:12:3`, `--set crops.localScale`. */
export type Places = ReadonlyMap<string, string>;

export interface Layer {
  readonly values: Tree;
  readonly places: Places;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Later layers win, key by key; lists are replaced as a whole. */
export function mergeLayers(layers: readonly Layer[]): Layer {
  return {
    values: layers.reduce((values, layer) => mergeTrees(values, layer.values), {} as Tree),
    places: new Map(layers.flatMap((layer) => [...layer.places])),
  };
}

/** A layer with a single value in it. */
export function singleValue(path: string, value: unknown, place: string): Layer {
  const keys = path.split(".");
  const values = keys.reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), value) as Tree;
  const sections = keys.map((_, index) => keys.slice(0, index + 1).join("."));
  return { values, places: new Map(sections.map((section) => [section, place])) };
}

/** Built from entries, so that a key named `__proto__` is a key like any other. */
function mergeTrees(base: Tree, over: Tree): Tree {
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const below = merged.get(key);
    merged.set(key, isTree(below) && isTree(value) ? mergeTrees(below, value) : value);
  }
  return Object.fromEntries(merged);
}
