/** A page of one run, or of several side by side, as it is now. */
import { RunError } from "../errors.js";
import { type PageData, type PageSection, pageParts, sectionHtml, sectionList } from "../report/page.js";
import { MOST_RUNS } from "../report/write-report.js";
import { PATHS } from "./paths.js";
import type { RunsWatch, WatchedRun } from "./runs-watch.js";
import { readPicture, servedPictures } from "./served-pictures.js";

export interface ServedRuns {
  /** Another one after every change. */
  readonly id: string;
  readonly title: string;
  readonly sections: readonly PageSection[];
  /** HTML of the list of sections, and of each section by its id, in their order. */
  readonly fragments: ReadonlyMap<string, string>;
  readonly data: PageData;
}

/** Pages that are kept for those who look at the same runs. */
const KEPT = 8;

export class ServedPages {
  readonly #watch: RunsWatch;
  /** By the id of the page; the one that was asked for last is the last one. */
  readonly #pages = new Map<string, Promise<ServedRuns>>();

  constructor(watch: RunsWatch) {
    this.#watch = watch;
  }

  /** Throws RunError where there is no run of such a name, too many are asked for, or one cannot be read. */
  async page(names: readonly string[]): Promise<ServedRuns> {
    const { runs } = await this.#watch.look();
    const chosen = [...new Set(names)].map((name) => runOf(name, runs));
    checkCount(chosen.length);
    const id = [this.#watch.serial, ...chosen.map(({ version }) => version)].join(".");
    const page = this.#pages.get(id) ?? this.#make(id, chosen);
    this.#keep(id, page);
    return page;
  }

  /** Bytes of a WebP file. Throws RunError where there is no such run, or it has no such picture. */
  async picture(run: string | null, file: string | null): Promise<Buffer> {
    const { runs } = await this.#watch.look();
    return readPicture(await this.#watch.facts(runOf(run ?? "", runs)), file);
  }

  async #make(id: string, runs: readonly WatchedRun[]): Promise<ServedRuns> {
    const facts = await Promise.all(runs.map((run) => this.#watch.facts(run)));
    const { title, sections, data } = pageParts(facts, servedPictures(PATHS.picture, facts));
    const fragments = [
      [SECTION_LIST, sectionList(sections).text] as const,
      ...sections.map((section) => [section.id, sectionHtml(section).text] as const),
    ];
    return { id, title, sections, fragments: new Map(fragments), data };
  }

  #keep(id: string, page: Promise<ServedRuns>): void {
    this.#pages.delete(id);
    this.#pages.set(id, page);
    const oldest = this.#pages.keys().next().value;
    if (this.#pages.size > KEPT && oldest !== undefined) this.#pages.delete(oldest);
  }
}

const SECTION_LIST = "sections";

/** Names are looked up among the runs that were found; none of them becomes part of a path. */
function runOf(name: string, runs: readonly WatchedRun[]): WatchedRun {
  const run = runs.find(({ summary }) => summary.name === name);
  if (run !== undefined) return run;
  throw new RunError(`expected the name of a run, received ${JSON.stringify(name)}`, {
    hint: "the table of all runs names those that there are",
  });
}

function checkCount(count: number): void {
  if (count >= 1 && count <= MOST_RUNS) return;
  throw new RunError(`expected one to ${MOST_RUNS} runs, received ${count === 0 ? "none" : count}`, {
    hint: "choose them in the table of all runs",
  });
}
