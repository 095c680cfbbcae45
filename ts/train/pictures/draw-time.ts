/** The pictures of one time: what the teacher makes of the chosen images, and which others it holds for similar. */
import type { Native } from "../../native/engine.js";
import { type FeatureColumn, featuresSheet } from "../../picture/features-sheet.js";
import { type NeighbourRow, neighboursSheet } from "../../picture/neighbours-sheet.js";
import { fitChannels, type PatchGrid } from "../../picture/patch-colours.js";
import { queryAttention } from "../../picture/query-attention.js";
import { viewImage } from "../../picture/raster.js";
import type { NamedImage, TimeFacts } from "../../run/picture-folders.js";
import { featuresHeading, neighboursHeading } from "./headings.js";
import { type NearImage, nearestImages } from "./nearest-images.js";
import { chosenSamples, firstViews, type PictureImages, type SampleView } from "./picture-images.js";

export interface TimeRequest {
  readonly native: Pick<Native, "embed" | "tokens" | "attention" | "options">;
  readonly images: PictureImages;
  readonly seed: number;
  /** Images to show. */
  readonly shown: number;
  /** Images among which they find their neighbours. */
  readonly pool: number;
  readonly step: number;
  readonly epoch: number;
}

export interface DrawnTime {
  /** WebP. */
  readonly features: Uint8Array;
  readonly neighbours: Uint8Array;
  readonly facts: TimeFacts;
}

/** Neighbours of an image that are shown. */
const NEIGHBOURS = 5;

/** WebP's: the sheets are looked at, not measured, and more effort takes longer than all the rest. */
const QUALITY = { quality: 85, effort: 2 };

/** Throws DataError where none of the images can be decoded. */
export async function drawTime(request: TimeRequest): Promise<DrawnTime> {
  const { native, images, seed, shown, pool } = request;
  const samples = chosenSamples(seed, images.source.count, shown + pool);
  const views = await firstViews(images, samples, shown);
  const tokens = await tokensOf(request, views);
  const others = samples.filter((sample) => !views.some((view) => view.sample === sample)).slice(0, pool);
  const asked = { rows: tokens.classRows, width: tokens.width };
  const near = await nearestImages(native, asked, { images, samples: others }, NEIGHBOURS);
  const rows = await neighbourRows(images, views, near);
  const colours = await fitChannels({ width: tokens.width, values: tokens.patchRows });
  const { explained } = colours.components;
  const facts = timeFacts(request, { rows, explained, pool: others.length });
  const columns = await featureColumns(request, views, tokens);
  const sheets = [
    await featuresSheet(columns, colours, featuresHeading(facts, native.options.model.heads)),
    await neighboursSheet(rows, neighboursHeading(facts)),
  ] as const;
  const [features, neighbours] = await Promise.all(
    sheets.map((sheet) => sheet.webp(QUALITY).toBuffer()) as [Promise<Buffer>, Promise<Buffer>],
  );
  return { features, neighbours, facts };
}

interface ShownTokens {
  readonly width: number;
  /** Patches of an image. */
  readonly patches: number;
  /** `[shown, width]`: the first class token of each. */
  readonly classRows: Float32Array;
  /** `[shown, patches, width]` */
  readonly patchRows: Float32Array;
}

async function tokensOf({ native, images }: TimeRequest, views: readonly SampleView[]): Promise<ShownTokens> {
  const { width, classTokens, patchSize } = native.options.model;
  const patches = Math.floor(images.size.crop / patchSize) ** 2;
  const values = await native.tokens(batchOf(images, views));
  const classRows = new Float32Array(views.length * width);
  const patchRows = new Float32Array(views.length * patches * width);
  for (const [at] of views.entries()) {
    const own = values.subarray(
      at * (classTokens + patches) * width,
      (at + 1) * (classTokens + patches) * width,
    );
    classRows.set(own.subarray(0, width), at * width);
    patchRows.set(own.subarray(classTokens * width), at * patches * width);
  }
  return { width, patches, classRows, patchRows };
}

async function featureColumns(
  { native, images }: TimeRequest,
  views: readonly SampleView[],
  { width, patches, patchRows }: ShownTokens,
): Promise<FeatureColumn[]> {
  const maps = await native.attention(batchOf(images, views));
  const { rows, columns } = maps;
  const length = patches * width;
  const grid = (at: number): PatchGrid => ({
    vectors: { width, values: patchRows.subarray(at * length, (at + 1) * length) },
    rows,
    columns,
  });
  return views.map(({ sample, planes }, at) => ({
    name: images.source.key(sample),
    image: viewImage(planes, images.size.crop),
    queries: queryAttention(maps, at),
    patches: grid(at),
  }));
}

function batchOf({ size }: PictureImages, views: readonly SampleView[]) {
  const { crop } = size;
  const pixels = new Uint8Array(views.length * 3 * crop * crop);
  for (const [at, { planes }] of views.entries()) pixels.set(planes, at * planes.length);
  return { images: views.length, height: crop, width: crop, pixels };
}

/** The neighbours are read a second time: of a large pool not all views can be kept. */
async function neighbourRows(
  images: PictureImages,
  views: readonly SampleView[],
  near: readonly (readonly NearImage[])[],
): Promise<NeighbourRow[]> {
  const samples = [...new Set(near.flat().map(({ sample }) => sample))];
  const found = samples.length === 0 ? [] : await firstViews(images, samples, samples.length);
  const planes = new Map([...views, ...found].map((view) => [view.sample, view.planes]));
  const picture = (sample: number) => {
    const image = viewImage(planes.get(sample) ?? new Uint8Array(), images.size.crop);
    return { image, ...named(images, sample) };
  };
  return views.map(({ sample }, at) => ({
    asked: picture(sample),
    found: (near[at] ?? []).map((one) => ({ ...picture(one.sample), similarity: one.similarity })),
  }));
}

function named({ source }: PictureImages, sample: number): NamedImage {
  return { name: source.key(sample), class: source.classes[source.label(sample)] ?? null };
}

function timeFacts(
  { step, epoch }: TimeRequest,
  drawn: {
    readonly rows: readonly NeighbourRow[];
    readonly explained: readonly number[];
    readonly pool: number;
  },
): TimeFacts {
  const { rows, explained, pool } = drawn;
  const images = rows.map(({ asked, found }) => ({
    name: asked.name,
    class: asked.class,
    neighbours: found.map(({ name, class: of, similarity }) => ({ name, class: of, similarity })),
  }));
  return { step, epoch, network: "teacher", pool, explained, images };
}
