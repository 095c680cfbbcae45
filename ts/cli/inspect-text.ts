/** What `udi-native inspect` says, in words. */
import pc from "picocolors";
import type { Inspection, MeasuredNetwork } from "../weights/inspect.js";

const KINDS: Readonly<Record<Inspection["kind"], string>> = {
  run: "a run, its newest whole checkpoint",
  checkpoint: "a checkpoint",
  state: "the state of a learner",
  training: "a training checkpoint of another program",
  backbone: "a backbone on its own",
};

/** The inspection as lines for a reader. */
export function inspectionText(inspection: Inspection): string {
  const rows: [string, string][] = [
    ["path", inspection.path],
    ["what", `${KINDS[inspection.kind]} (${inspection.format}, names of ${inspection.naming})`],
    ["model", modelText(inspection)],
    ...headRow(inspection),
    ["stands at", positionText(inspection)],
    ["optimiser", inspection.optimizer ?? "none"],
    ...dataRow(inspection),
    ...(inspection.origin === null ? [] : [["origin", inspection.origin] as [string, string]]),
    ...inspection.networks.flatMap(networkRows),
    ...inspection.files.map(({ path, bytes }): [string, string] => ["file", `${path}, ${size(bytes)}`]),
    ...settingRows(inspection),
    ...inspection.remarks.map((remark): [string, string] => ["remark", remark]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

function modelText({ model }: Inspection): string {
  const { width, depth, heads, headsGuessed, mlpRatio, patchSize, imageSize, classTokens } = model;
  const parts = [
    `width ${width}`,
    `depth ${depth}`,
    `heads ${heads}${headsGuessed ? " (a guess)" : ""}`,
    `MLP ratio ${mlpRatio}`,
    `patches of ${patchSize} in images of ${imageSize} pixels`,
    `${classTokens} class token${classTokens === 1 ? "" : "s"}`,
    model.includePatch ? `sampling attention with ${model.srsHeads} heads` : "no sampling attention",
  ];
  return parts.join(", ");
}

function headRow({ model: { head } }: Inspection): [string, string][] {
  if (head === null) return [];
  const { prototypes, hiddenWidth, bottleneckWidth, batchNorm } = head;
  const norm = batchNorm ? ", BatchNorm" : "";
  return [["head", `${hiddenWidth} hidden, ${bottleneckWidth} bottleneck, ${prototypes} prototypes${norm}`]];
}

function positionText({ step, epoch, batchInEpoch }: Inspection): string {
  if (step === null && epoch === null) return "not known";
  const within = batchInEpoch === null || batchInEpoch === 0 ? "" : ` and ${batchInEpoch} batches`;
  const epochs = epoch === null ? [] : [`epoch ${epoch}${within}`];
  return [...epochs, ...(step === null ? [] : [`step ${step}`])].join(", ");
}

function dataRow({ data }: Inspection): [string, string][] {
  if (data === null) return [];
  const images = data.images === null ? "" : `, ${data.images} images`;
  return [["data", `${data.path ?? "the quickstart's"}${images}`]];
}

function networkRows({ network, parts, parameters, notFinite }: MeasuredNetwork): [string, string][] {
  const finite = notFinite === 0 ? "all finite" : pc.red(`${notFinite} not finite`);
  const rows = parts.map(({ part, count, norm, nan, infinite }): [string, string] => {
    const wrong = nan + infinite === 0 ? "" : pc.red(`, ${nan} NaN, ${infinite} infinite`);
    return [`  ${part}`, `${grouped(count)} parameters, norm ${norm.toFixed(3)}${wrong}`];
  });
  return [[network, `${grouped(parameters)} parameters, ${finite}`], ...rows];
}

/** Settings section by section, and versions. */
function settingRows({ settings, versions }: Inspection): [string, string][] {
  const sections = new Map<string, string[]>();
  for (const [key, value] of Object.entries(settings)) {
    const place = key.lastIndexOf(".");
    const section = place < 0 ? "settings" : key.slice(0, place);
    const named = `${key.slice(place + 1)} ${JSON.stringify(value)}`;
    sections.set(section, [...(sections.get(section) ?? []), named]);
  }
  const told = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  if (told.length > 0) sections.set("versions", told);
  return [...sections].map(([name, values]) => [name, values.join(", ")]);
}

function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

function size(bytes: number): string {
  return bytes < 2 ** 20 ? `${(bytes / 2 ** 10).toFixed(1)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
