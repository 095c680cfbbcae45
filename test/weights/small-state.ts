/** States of small models and what their engine computes with them. */
import { join } from "node:path";
import { openEngine } from "../../ts/native/engine.js";
import type { ModelOptions } from "../../ts/native/types.js";
import { AT, OPTIONS, smallBatch } from "../native/small-engine.js";
import type { Images, Values } from "../python/library-features.js";

export interface SmallState {
  /** `state.safetensors` */
  readonly file: string;
  readonly model: ModelOptions;
  readonly images: Images;
  /** `cls` of the images, `[images, C]`. */
  readonly teacher: Values;
  readonly student: Values;
  /** The same for images half as large again, for which positions are resampled. */
  readonly larger: { readonly size: number; readonly images: Images; readonly teacher: Values };
}

const COUNT = 3;

/** Steps so wide that attention, both networks and every bias leave their mark on the features. */
const WIDE = { ...AT, learningRate: 0.05, momentum: 0.5 };

/** A model whose patches have 4 pixels, since the step's batch is made for them. */
export async function smallState(folder: string, changes: Partial<ModelOptions> = {}): Promise<SmallState> {
  const model = { ...OPTIONS.model, ...changes };
  const file = join(folder, "state.safetensors");
  await using engine = await openEngine({ ...OPTIONS, model });
  for (let seed = 0; seed < 3; seed++) await engine.stepUdi(smallBatch(seed), WIDE);
  await engine.save(file);
  const embed = async (images: Images, network: "teacher" | "student"): Promise<Values> => {
    const views = { images: COUNT, size: images.shape[2], pixels: images.values };
    return { shape: [COUNT, model.width], values: await engine.embed(views, network) };
  };
  const images = waves(model.imageSize);
  const [teacher, student] = [await embed(images, "teacher"), await embed(images, "student")];
  const size = model.imageSize + 2 * model.patchSize;
  const more = waves(size);
  const larger = { size, images: more, teacher: await embed(more, "teacher") };
  return { file, model, images, teacher, student, larger };
}

/** Normalised pixels, different for each place. */
function waves(size: number): Images {
  const length = COUNT * 3 * size * size;
  const values = Float32Array.from({ length }, (_, place) => 2 * Math.sin(place * 0.37 + (place % 89)));
  return { shape: [COUNT, 3, size, size], values };
}
