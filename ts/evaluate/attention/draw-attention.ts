/** Draws what the class tokens of a trained network attend to, and the features of its patches. */
import { resolve } from "node:path";
import { ArgumentError, DataError } from "../../errors.js";
import type { Encoder } from "../../native/encoder.js";
import type { AttendedImage, Picture } from "../../picture/attended-image.js";
import { type PatchColours, paintPatches } from "../../picture/patch-colours.js";
import type { PictureSize } from "../../picture/patch-map.js";
import { openCheckpointEncoder } from "../open-encoder.js";
import type { AttentionRequest, AttentionResult, DrawnImage } from "./attention-request.js";
import { fitColours } from "./fit-colours.js";
import { type ImageFile, imageFiles } from "./image-files.js";
import { checkPlaces, sheetFile, writeSeparate, writeSheet } from "./picture-files.js";
import { classAttention, patchFeatures, readImage } from "./read-image.js";

/**
 * One sheet for each image (spec/evaluation.md section 9). Images that cannot be used are skipped; throws the DataError of
 * the first where none is left, DataError without images, RunError for a checkpoint or a folder that cannot be used.
 */
export async function drawAttention(request: AttentionRequest): Promise<AttentionResult> {
  checkThreshold(request.threshold);
  const files = await imageFiles(request.images);
  await checkPlaces(request.out, files, request.existing);
  const { encoder: opened, source, options } = await openCheckpointEncoder(request);
  await using encoder = opened;
  const { network } = options;
  for (const line of source.remarks) request.onRemark?.(line);
  const colours = request.patches === "none" ? null : await fitColours(files, request.size, encoder);
  const facts = `${network} of ${request.checkpoint}`;
  const outcomes = await drawAll(files, { request, encoder, colours, facts });
  return {
    checkpoint: resolve(request.checkpoint),
    network,
    out: resolve(request.out),
    ...outcomes,
    explained: colours?.all.components.explained ?? null,
  };
}

interface Drawing {
  readonly request: AttentionRequest;
  readonly encoder: Encoder;
  readonly colours: PatchColours | null;
  /** Which network it is. */
  readonly facts: string;
}

async function drawAll(
  files: readonly ImageFile[],
  drawing: Drawing,
): Promise<Pick<AttentionResult, "images" | "skipped">> {
  const { request, encoder } = drawing;
  const images: DrawnImage[] = [];
  const failures: { file: string; error: DataError }[] = [];
  for (const [at, image] of files.entries()) {
    const picture = await readImage(image.file, request.size, encoder);
    if (picture instanceof DataError) {
      failures.push({ file: image.file, error: picture });
      if (files.length > 1) request.onRemark?.(`skipped ${picture.message}`);
    } else {
      const drawn = await drawOne(image, picture, drawing);
      images.push(drawn);
      request.onDrawn?.(drawn, at + 1, files.length);
    }
  }
  const [first] = failures;
  if (images.length === 0 && first !== undefined) throw first.error;
  return { images, skipped: failures.map(({ file, error }) => ({ image: file, reason: error.message })) };
}

async function drawOne(
  { file, name }: ImageFile,
  image: Picture,
  { request, encoder, colours, facts }: Drawing,
): Promise<DrawnImage> {
  const { height, width } = image;
  const { patchSize } = encoder.model;
  const [rows, columns] = [height / patchSize, width / patchSize];
  const queries = await classAttention(image, encoder);
  const patches = colours === null ? [] : await paintings(image, request, encoder, colours);
  const attended: AttendedImage = { name, image, queries, patches };
  const sheet = sheetFile(request.out, name);
  const size = `${width} x ${height} pixels, ${columns} x ${rows} patches of ${patchSize} x ${patchSize}`;
  const masks =
    request.threshold === null ? "" : `; masks hold ${percent(request.threshold)} of the attention`;
  await writeSheet(sheet, attended, request, `${size}${masks}; ${facts}`);
  const separate =
    request.files === "sheet" ? [] : await writeSeparate(sheet.slice(0, -".png".length), attended, request);
  return { image: file, height, width, rows, columns, sheet, separate };
}

async function paintings(
  image: Picture,
  { enlargement: how }: AttentionRequest,
  encoder: Encoder,
  colours: PatchColours,
): Promise<AttendedImage["patches"]> {
  const { patchSize } = encoder.model;
  const vectors = await patchFeatures(image, encoder);
  const grid = { vectors, rows: image.height / patchSize, columns: image.width / patchSize };
  const painting = (file: string, caption: string, shown: "all" | "foreground") => ({
    file,
    caption,
    paint: (size: PictureSize) => paintPatches(colours, grid, { size, how, shown }),
  });
  return [painting("patches", "patch features", "all"), painting("foreground", "foreground", "foreground")];
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(2))} %`;
}

function checkThreshold(threshold: number | null): void {
  if (threshold === null || (threshold > 0 && threshold < 1)) return;
  throw new ArgumentError(`threshold: expected a share between 0 and 1, received ${threshold}`, {
    hint: "0.6 keeps the patches that hold 60 % of the attention",
  });
}
