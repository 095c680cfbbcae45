/** The report of `data check` for a reader. */
import pc from "picocolors";
import { byteText } from "../number-text.js";
import type { CheckReport, ClassReport, DuplicateFiles, SizeReport, Spread } from "../survey/report.js";

/** Of a long list so many are shown; --json and --bad-list have them all. */
const SHOWN = 20;
const SHOWN_OF_GROUP = 3;

export function checkText(report: CheckReport): string {
  const { images, bytes, seconds, classes, sizes, formats, colours, bad, duplicates } = report;
  const rate = `${byteText(bytes)} in ${seconds.toFixed(1)} s, ${Math.round(images / seconds)} images/s`;
  const near = (file: string) =>
    file.startsWith(`${report.path}/`) ? file.slice(report.path.length + 1) : file;
  const rows: [string, string][] = [
    ["data", `${report.path} (${report.kind})`],
    ["images", `${images}: ${report.usable} usable, ${bad.length} not`],
    ["classes", classes === null ? "none: unlabelled" : classText(classes)],
    ["read", rate],
    ...(sizes === null ? [] : sizeRows(sizes)),
    ["formats", countsText(formats)],
    ["colors", countsText(colours)],
    ["duplicates", duplicateText(duplicates)],
  ];
  return [
    ...rows.map(([name, value]) => `${name.padEnd(12)} ${value}`),
    ...listed(
      pc.red(`unusable: ${bad.length}`),
      bad.map(({ file, reason }) => `${near(file)}: ${reason}`),
    ),
    ...listed(
      pc.yellow(`same content: ${counted(duplicates.length, "group")}`),
      duplicates.map((group) => groupText(group, near)),
    ),
  ].join("\n");
}

function classText({ count, smallest, largest, unlabelled }: ClassReport): string {
  const sizes = `smallest ${smallest.name} (${smallest.images}), largest ${largest.name} (${largest.images})`;
  return `${count}: ${sizes}${unlabelled === 0 ? "" : `; ${counted(unlabelled, "image")} without a label`}`;
}

function sizeRows({ width, height, pixels, smallerThan }: SizeReport): [string, string][] {
  const million = ({ min, median, max }: Spread) =>
    [min, median, max].map((value) => (value / 1e6).toPrecision(2)).join(" / ");
  const plain = ({ min, median, max }: Spread) => `${min} / ${median} / ${max}`;
  const small = smallerThan.map(({ side, images }) => `${images} below ${side}`).join(", ");
  return [
    ["width", `${plain(width)} pixels (least / median / most)`],
    ["height", `${plain(height)} pixels`],
    ["area", `${million(pixels)} million pixels`],
    ["small", `shorter side: ${small} (the published crops; smaller images are enlarged)`],
  ];
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([name, images]) => `${name} ${images}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

function duplicateText(groups: readonly DuplicateFiles[]): string {
  if (groups.length === 0) return "none";
  const surplus = groups.reduce((sum, { files }) => sum + files.length - 1, 0);
  const across = groups.filter(({ acrossClasses }) => acrossClasses).length;
  const marked = across === 0 ? "" : `, ${counted(across, "group")} across classes`;
  return `${counted(surplus, "file")} too many, in ${counted(groups.length, "group")} of the same content${marked}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function groupText({ files, acrossClasses }: DuplicateFiles, near: (file: string) => string): string {
  const shown = files.slice(0, SHOWN_OF_GROUP).map(near).join(" = ");
  const more = files.length > SHOWN_OF_GROUP ? ` and ${files.length - SHOWN_OF_GROUP} more` : "";
  return `${shown}${more}${acrossClasses ? pc.red("  across classes") : ""}`;
}

function listed(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const rest = lines.length > SHOWN ? [`  and ${lines.length - SHOWN} more (--json has them all)`] : [];
  return ["", title, ...lines.slice(0, SHOWN).map((line) => `  ${line}`), ...rest];
}
