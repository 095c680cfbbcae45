/** The first images of an epoch, with all that training makes of them. */
import type { ImageSource } from "../dataset/image-source.js";
import { DataError } from "../errors.js";
import { renderViews } from "../native/engine.js";
import type { DecodedImage } from "../native/types.js";
import { randomStream } from "../random.js";
import { detailedRecipe, type MultiCropOptions } from "../recipe/multi-crop.js";
import { DecodeError } from "../views/decode-error.js";
import { memoryRoom } from "../views/decoded-memory.js";
import { readImage } from "../views/read-image.js";
import type { PicturedImage } from "./image-section.js";

export interface PreviewRequest {
  readonly source: ImageSource;
  readonly crops: MultiCropOptions;
  readonly seed: number;
  /** Counted from 0. */
  readonly epoch: number;
  /** How many images; fewer where the source has no more. */
  readonly images: number;
  readonly maxPixels: number;
  /** Called for each image that cannot be decoded; the next one takes its place. */
  readonly onSkipped: (error: DecodeError) => void;
}

/** So many in a row that cannot be decoded are a fault of the data. */
const ATTEMPTS = 64;

/**
 * In the order of the epoch, each image once; recipe and views are those of a training with the same seed. Throws DataError
 * where no image, or none of ATTEMPTS in a row, can be decoded.
 */
export async function* previewedImages(request: PreviewRequest): AsyncGenerator<PicturedImage> {
  const { source, seed, epoch } = request;
  let [shown, failed] = [0, 0];
  for (const sample of new Set(source.order(seed, epoch))) {
    if (shown === request.images || failed === ATTEMPTS) break;
    const pictured = await tryPicture(request, sample);
    failed = pictured === null ? failed + 1 : 0;
    if (pictured === null) continue;
    shown += 1;
    yield pictured;
  }
  if (failed === ATTEMPTS || shown === 0) throw unusable(source, failed);
}

function unusable({ root }: ImageSource, failed: number): DataError {
  return new DataError(
    `data ${root}: expected an image that can be decoded, received ${failed} in a row that cannot`,
    {
      hint: `npx udi-native data check ${root} lists them all`,
    },
  );
}

async function tryPicture(request: PreviewRequest, sample: number): Promise<PicturedImage | null> {
  const limits = { maxPixels: request.maxPixels, room: memoryRoom(Number.POSITIVE_INFINITY) };
  try {
    using held = await readImage(request.source, sample, limits);
    return await picture(request, sample, held.image);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    request.onSkipped(error);
    return null;
  }
}

async function picture(
  { source, crops, seed, epoch }: PreviewRequest,
  sample: number,
  image: DecodedImage,
): Promise<PicturedImage> {
  const { globalSize, localCrops, localSize } = crops;
  const detail = detailedRecipe(image, crops, randomStream(seed, "recipe", epoch, sample));
  const shape = { images: 1, globalSize, localCrops, localSize };
  using views = await renderViews(shape, [image], [detail.recipe]);
  const { globalViews, localViews } = views.pixels();
  const [g1, g2] = cut(globalViews, 2);
  const { width, height, pixels } = image;
  return {
    title: source.key(sample),
    remark: `${width} x ${height} pixels \u00b7 image ${sample} \u00b7 epoch ${epoch + 1} \u00b7 seed ${seed}`,
    image: { width, height, pixels },
    detail,
    globals: [g1 as Uint8Array, g2 as Uint8Array],
    locals: cut(localViews, localCrops),
  };
}

/** Equal parts. */
function cut(bytes: Uint8Array, parts: number): Uint8Array[] {
  const length = bytes.length / parts;
  return Array.from({ length: parts }, (_, part) => bytes.subarray(part * length, (part + 1) * length));
}
