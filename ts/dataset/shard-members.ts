/** The samples of a WebDataset shard: members whose names are equal up to the first dot belong together. */
import { isHiddenName, isImageName } from "./image-names.js";
import type { TarMember } from "./tar-members.js";

export interface ShardSample {
  /** The image's name in the archive. */
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** Empty: unlabelled. */
  readonly label: string;
}

/** Labels are short: longer contents are not read. */
const LONGEST_LABEL = 64 * 1024;

/** Whether a member can hold the label of an image. */
export function isLabelMember(name: string, size: number): boolean {
  return size <= LONGEST_LABEL && /\.(cls|txt|json)$/i.test(name) && !isHidden(name);
}

/** Gathers members in the order of the archive. */
export class SampleGatherer {
  readonly samples: ShardSample[] = [];
  #key: string | null = null;
  #images: TarMember[] = [];
  #label = "";

  add(member: TarMember): void {
    if (isHidden(member.name)) return;
    const key = keyOf(member.name);
    if (key !== this.#key) this.finish();
    this.#key = key;
    if (isImageName(member.name)) this.#images.push(member);
    else if (member.content !== null) this.#label ||= labelIn(member.name, member.content.toString());
  }

  /** Ends the sample in hand. */
  finish(): void {
    for (const { name, offset, size } of imagesOf(this.#images)) {
      this.samples.push({ name, offset, size, label: this.#label });
    }
    this.#images = [];
    this.#label = "";
  }
}

/**
 * Of `1.jpg` and `1.mask.png` the first is the image. Names such as `a.2020.jpg` and `a.2021.jpg` are of pictures that were
 * packed as they lay in a folder: each is an image.
 */
function imagesOf(images: readonly TarMember[]): readonly TarMember[] {
  const plain = images.find(({ name }) => !/\..*\./.test(baseName(name)));
  return plain === undefined ? images : [plain];
}

function labelIn(name: string, text: string): string {
  if (/\.cls$/i.test(name)) return text.trim();
  if (/\.txt$/i.test(name)) return /^\s*\d+\s*$/.test(text) ? text.trim() : ""; // other texts are captions
  return labelInJson(text);
}

function labelInJson(text: string): string {
  const value = jsonIn(text);
  const label = isRecord(value) ? (value.label ?? value.class ?? value.cls) : value;
  return typeof label === "string" || typeof label === "number" ? String(label).trim() : "";
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isHidden(name: string): boolean {
  return name.split("/").some((part) => part !== "." && isHiddenName(part));
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function keyOf(name: string): string {
  const base = name.lastIndexOf("/") + 1;
  const dot = name.indexOf(".", base);
  return dot < 0 ? name : name.slice(0, dot);
}
