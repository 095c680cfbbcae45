/** The model card of an export: README.md, as model hubs read it. */
import { percentText } from "../number-text.js";
import type { EvaluationRecord } from "../run/records.js";
import {
  type ExportedBackbone,
  mlpWidth,
  NORMALISATION,
  patchTokens,
  resizedSide,
} from "./exported-backbone.js";
import type { ExportFormat } from "./formats/export-format.js";

export interface CardFacts {
  readonly backbone: ExportedBackbone;
  readonly network: "student" | "teacher" | "backbone";
  readonly format: ExportFormat;
  /** Where the weights come from, in words. */
  readonly origin: string;
  /** Null: not known. */
  readonly step: number | null;
  readonly epoch: number | null;
  /** Null: not known. */
  readonly data: { readonly name: string; readonly images: number } | null;
  /** The part of the run's configuration that decides what is computed, by dotted key; null: not known. */
  readonly settings: Readonly<Record<string, unknown>> | null;
  /** Newest evaluations of the run up to this checkpoint, one of each protocol. */
  readonly evaluations: readonly EvaluationRecord[];
  /** Of udi-native. */
  readonly version: string;
}

const PAPER = "https://arxiv.org/abs/2407.17671";

export function modelCard(facts: CardFacts): string {
  const sections = [
    `${frontMatter(facts)}\n# ${title(facts.backbone)}, trained with UDI`,
    description(facts),
    `## Loading\n\n${loading(facts)}`,
    `## Images\n\n${images(facts.backbone)}`,
    `## Data\n\n${data(facts)}`,
    `## Measured\n\n${scores(facts)}`,
    `## Settings\n\n${settings(facts.settings)}`,
    `## Licence\n\n${facts.backbone.license ?? "Not stated. The data that the weights were trained on may set conditions."}`,
    `## Citation\n\n${CITATION}`,
  ];
  return `${sections.join("\n\n")}\n`;
}

/** \`unknown\` is what hubs call a licence that is not stated. */
function frontMatter({ backbone, format }: CardFacts): string {
  return `---
license: ${JSON.stringify(backbone.license ?? "unknown")}
library_name: ${format.library}
pipeline_tag: image-feature-extraction
tags: [udi, self-supervised, vision-transformer]
---
`;
}

function title({ width, depth, heads, patchSize }: ExportedBackbone): string {
  return `Vision Transformer, width ${width}, depth ${depth}, ${heads} heads, patches of ${patchSize} pixels`;
}

function description({ backbone, network, origin, step, epoch, version }: CardFacts): string {
  const { classTokens, imageSize, dtype } = backbone;
  const tokens = classTokens === 2 ? "two class tokens, cls and cls+" : "one class token";
  const trained = step === null ? "" : ` at step ${step}`;
  const epochs = epoch === null ? "" : ` (${epoch} ${epoch === 1 ? "epoch" : "epochs"})`;
  return `The backbone of the ${network === "backbone" ? "network" : network} of a self-supervised run with UDI ([Unsqueeze [CLS] Bottleneck to Learn Rich Representations](${PAPER}),
ECCV 2024): ${tokens}, ${patchTokens(backbone)} patch tokens for images of ${imageSize.height}x${imageSize.width} pixels, MLP of ${mlpWidth(backbone)} units, weights
stored as ${dtype}. Features are the tokens after the final norm; cls is the one that k-NN and linear evaluation use.

From ${origin}${trained}${epochs}. Exported by udi-native ${version}.`;
}

function loading({ backbone, format }: CardFacts): string {
  return `\`\`\`python\n${format.files(backbone)["load.py"]}\`\`\`\n\n${format.notes(backbone)}`;
}

function images({ imageSize }: ExportedBackbone): string {
  const list = (values: readonly number[]) => values.join(", ");
  return `RGB in [0, 1], minus mean (${list(NORMALISATION.mean)}), divided by deviation (${list(NORMALISATION.std)}). Evaluation resizes the
shorter side to ${resizedSide(imageSize)} pixels (bicubic, antialiased) and takes the centre ${imageSize.height}x${imageSize.width}.`;
}

function data({ data }: CardFacts): string {
  return data === null ? "Not known." : `\`${data.name}\`: ${data.images} images, without labels.`;
}

function scores({ evaluations, network }: CardFacts): string {
  if (evaluations.length === 0) return "Nothing was measured.";
  const rows = evaluations.flatMap((record) =>
    record.scores.map(
      ({ neighbours, top1, top5 }) =>
        `| ${record.protocol}, ${record.network}, step ${record.step} | ${neighbours} | ${percentText(top1)} | ${percentText(top5)} |`,
    ),
  );
  const other = evaluations.some((record) => record.network !== network)
    ? "\n\nMeasured with the teacher; these weights are the student's."
    : "";
  return `| evaluation on held-out images | neighbours | top-1 | top-5 |\n| --- | --- | --- | --- |\n${rows.join("\n")}${network === "backbone" ? "" : other}`;
}

function settings(values: CardFacts["settings"]): string {
  if (values === null) return "Not known.";
  const lines = Object.entries(values).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `\`\`\`yaml\n${lines.join("\n")}\n\`\`\``;
}

const CITATION = `\`\`\`bibtex
@inproceedings{su2024udi,
  title     = {Unsqueeze [CLS] Bottleneck to Learn Rich Representations},
  author    = {Qing Su and Shihao Ji},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2024},
  note      = {arXiv:2407.17671}
}
\`\`\``;
