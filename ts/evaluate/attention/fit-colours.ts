/** Colours for patch features, found on many images at once: equal colours mean the same in all of them. */
import { DataError } from "../../errors.js";
import type { Encoder } from "../../native/encoder.js";
import { fitPatchColours, type PatchColours, type Patches } from "../../picture/patch-colours.js";
import type { ImageFile } from "./image-files.js";
import type { SizeChoice } from "./prepared-image.js";
import { classAttention, patchFeatures, readImage, relativeAttention } from "./read-image.js";

/** More of either changes the components little; memory and time stay bounded for a film's frames. */
const MOST_IMAGES = 100;
const MOST_PATCHES = 8192;

/** Of images and patches evenly spread. Throws the DataError of the first image where none can be used. */
export async function fitColours(
  files: readonly ImageFile[],
  size: SizeChoice,
  encoder: Encoder,
): Promise<PatchColours> {
  const chosen = spread(files.length, MOST_IMAGES).map((at) => files[at] as ImageFile);
  const parts: Patches[] = [];
  let failure: DataError | undefined;
  for (const { file } of chosen) {
    const picture = await readImage(file, size, encoder);
    if (picture instanceof DataError) failure ??= picture;
    else {
      const features = await patchFeatures(picture, encoder);
      const attention = relativeAttention(await classAttention(picture, encoder));
      parts.push(thinned({ ...features, attention }, Math.ceil(MOST_PATCHES / chosen.length)));
    }
  }
  if (parts.length === 0 && failure !== undefined) throw failure;
  return await fitPatchColours(joined(parts));
}

/** Whole numbers below `count`, at most `most` of them. */
function spread(count: number, most: number): number[] {
  const taken = Math.min(count, most);
  return Array.from({ length: taken }, (_, at) => Math.floor((at * count) / taken));
}

function thinned({ width, values, attention }: Patches, most: number): Patches {
  const kept = spread(attention.length, most);
  const taken = new Float32Array(kept.length * width);
  for (const [to, from] of kept.entries())
    taken.set(values.subarray(from * width, (from + 1) * width), to * width);
  return { width, values: taken, attention: Float32Array.from(kept, (at) => attention[at] as number) };
}

function joined(parts: readonly Patches[]): Patches {
  return {
    width: parts[0]?.width ?? 0,
    values: concatenated(parts.map(({ values }) => values)),
    attention: concatenated(parts.map(({ attention }) => attention)),
  };
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
