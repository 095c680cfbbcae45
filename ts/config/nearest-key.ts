/** Which known key somebody may have meant. */
import { referenceKey } from "./reference-arguments.js";

/**
 * The known key nearest to an unknown one, both in dotted form; null where none is near. The reference's name of a setting
 * counts as near; a key of the same section goes before one of another.
 */
export function nearestKey(path: string, known: readonly string[]): string | null {
  if (known.includes(path)) return path;
  const { section, name } = split(path);
  const meant = referenceKey(name);
  if (meant !== null) return meant;
  const ranked = known.map((key) => {
    const other = split(key);
    return { key, distance: distanceOf(name, other.name), away: other.section === section ? 0 : 0.5 };
  });
  const near = ranked.filter(({ distance }) => distance <= allowed(name) && distance < name.length);
  return near.sort((a, b) => a.distance + a.away - (b.distance + b.away))[0]?.key ?? null;
}

/** The nearest of some names, or null. */
export function nearestName(name: string, names: readonly string[]): string | null {
  const near = names.filter((other) => distanceOf(name, other) <= allowed(name));
  return near.sort((a, b) => distanceOf(name, a) - distanceOf(name, b))[0] ?? null;
}

function split(path: string): { section: string; name: string } {
  const dot = path.lastIndexOf(".");
  return { section: path.slice(0, Math.max(dot, 0)), name: path.slice(dot + 1) };
}

function allowed(name: string): number {
  return Math.max(2, Math.floor(name.length / 3));
}

/** Case, `_` and `-` do not count: `warmup_epochs` is `warmupEpochs`. */
function distanceOf(a: string, b: string): number {
  return editDistance(plain(a), plain(b));
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, "");
}

/** Levenshtein: the fewest letters to insert, delete or replace. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
