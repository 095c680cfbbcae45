/** Runs `udi-native preview`. */
import { loadConfig } from "../config/load.js";
import type { Config } from "../config/schema.js";
import { contactSheet } from "../picture/contact-sheet.js";
import { type PreviewRequest, previewedImages } from "../picture/previewed-images.js";
import { openTrainingData } from "../train/training-data.js";
import { openingReport } from "./opening-report.js";
import { outputFile } from "./output-file.js";
import { encoderOf } from "./picture-format.js";
import type { PreviewChoice } from "./preview-command.js";

/** Writes the picture and says so on stdout. */
export async function runPreview(config: string | undefined, choice: PreviewChoice): Promise<void> {
  const encode = encoderOf("--out", choice.out);
  const file = await outputFile("--out", choice.out);
  const request = await previewRequest(config, choice);
  const { data, info } = await encode(await contactSheet(previewedImages(request)));
  await file.write(data);
  console.log(`${choice.out}: ${info.width} x ${info.height} pixels`);
}

async function previewRequest(file: string | undefined, choice: PreviewChoice): Promise<PreviewRequest> {
  const seeded = choice.seed === undefined ? [] : [`seed=${choice.seed}`];
  const config = loadConfig({ file, set: [...(choice.set ?? []), ...seeded], data: choice.data });
  const { model, crops, seed, data } = config;
  using report = openingReport();
  const { train } = await openTrainingData({ data, evaluate: withoutKnn(config) }, report);
  return {
    source: train,
    crops: { ...crops, patchSize: model.patchSize, includePatch: model.includePatch },
    seed,
    epoch: choice.epoch - 1,
    images: choice.images,
    maxPixels: data.maxPixels,
    onSkipped: ({ message }) => report.onRemark(`skipped ${message}`),
  };
}

/** The held-out images are not looked at. */
function withoutKnn({ evaluate }: Config): Config["evaluate"] {
  return { ...evaluate, knn: { ...evaluate.knn, everyEpochs: null } };
}
