/** The images of a run: those to train on, and those by which it is judged. */
import type { Config } from "../config/schema.js";
import { type ImageSource, type OpenOptions, openImageSource } from "../dataset/image-source.js";
import { openLabelledImages } from "../dataset/labelled-images.js";
import { openMixture } from "../dataset/mixture.js";
import { quickstartData } from "../dataset/quickstart/quickstart-data.js";

export interface TrainingData {
  readonly train: ImageSource;
  /** Labelled images; null: no evaluation. */
  readonly knn: KnnData | null;
}

export interface KnnData {
  /** Whose labels are known. */
  readonly train: ImageSource;
  /** Whose labels are asked for. */
  readonly heldOut: ImageSource;
}

/** Called with one line that a reader should know. */
export type Remark = (line: string) => void;

/** What is told while names are read. */
export type DataReport = Required<Pick<OpenOptions, "onProgress" | "onRemark">>;

/** Opens what the configuration names; the quickstart data where it names nothing. Throws DataError. */
export async function openTrainingData(
  { data, evaluate }: Pick<Config, "data" | "evaluate">,
  report: DataReport,
): Promise<TrainingData> {
  const options = { ...report, shuffleBuffer: data.shuffleBuffer };
  const train = await openTrainingImages(data, options);
  if (train === null) return openQuickstart(report);
  return { train, knn: await openKnn(train, evaluate.knn, options) };
}

/** Null: the quickstart data are asked for. */
async function openTrainingImages(data: Config["data"], options: OpenOptions): Promise<ImageSource | null> {
  const { path, kind, mix } = data;
  if (mix !== null) return openMixture(mix, options);
  if (path === null || kind === "quickstart" || kind === "mixture") return null;
  return openImageSource(path, kind, options);
}

async function openQuickstart({ onRemark }: DataReport): Promise<TrainingData> {
  const onProgress = (done: number, total: number) => {
    if (done === 1) onRemark(`rendering the ${total} images of the quickstart, only this once`);
  };
  const parts = await quickstartData({ onProgress });
  const [train, heldOut] = await Promise.all([
    openImageSource(parts.train, "class-folders"),
    openImageSource(parts.heldOut, "class-folders"),
  ]);
  return { train, knn: { train, heldOut } };
}

async function openKnn(
  images: ImageSource,
  knn: Config["evaluate"]["knn"],
  options: OpenOptions,
): Promise<KnnData | null> {
  if (knn.everyEpochs === null || knn.heldOut === null) return null;
  const train = knn.train === null ? images : await openLabelledImages(knn.train, options);
  return { train, heldOut: await openLabelledImages(knn.heldOut, options) };
}
