/** Remembers where the keys of a loaded configuration were set, for errors that are found later. */
import type { Places } from "./layer.js";
import type { Config } from "./schema.js";

const known = new WeakMap<Config, Places>();

export function rememberPlaces(config: Config, places: Places): void {
  known.set(config, places);
}

/** Empty for a configuration that did not come from files. */
export function placesOf(config: Config): Places {
  return known.get(config) ?? new Map();
}
