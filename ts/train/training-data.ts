/** The images of a run: those to train on, and those by which it is judged. */
import type { Config } from "../config/schema.js";
import { type ImageSource, openImageSource } from "../dataset/image-source.js";
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

/** Opens the folders that the configuration names; the quickstart data where it names none. Throws DataError. */
export async function openTrainingData(
  { data, evaluate }: Pick<Config, "data" | "evaluate">,
  onRemark: Remark,
): Promise<TrainingData> {
  if (data.path === null || data.kind === "quickstart") return openQuickstart(onRemark);
  const train = await openImageSource(data.path, data.kind);
  return { train, knn: await openKnn(train, evaluate.knn) };
}

async function openQuickstart(onRemark: Remark): Promise<TrainingData> {
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

async function openKnn(images: ImageSource, knn: Config["evaluate"]["knn"]): Promise<KnnData | null> {
  if (knn.everyEpochs === null || knn.heldOut === null) return null;
  const train = knn.train === null ? images : await openImageSource(knn.train, "class-folders");
  return { train, heldOut: await openImageSource(knn.heldOut, "class-folders") };
}
