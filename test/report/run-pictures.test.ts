/** Pictures of a run in its report, looked at in a real browser. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runPictures, spread } from "../../ts/report/run-pictures.js";
import { writeReport } from "../../ts/report/write-report.js";
import { cropsFile, cropsFolder, timeFolder, writePictures } from "../../ts/run/picture-folders.js";
import { sharedFolder } from "../end-to-end/photos.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { browserNote, openBrowser, testBrowser } from "./browser.js";
import { writeExample } from "./example-runs.js";

const HOSTILE = `"><script>document.title="taken"</script>.jpg`;

/** A plain picture of so many pixels each way. */
function webp(width: number): Promise<Buffer> {
  return sharp({ create: { width, height: 40, channels: 3, background: "#804020" } })
    .webp()
    .toBuffer();
}

async function writeTimes(run: string, steps: readonly number[]): Promise<void> {
  for (const step of steps) {
    const neighbours = [{ name: "near.jpg", class: "cat", similarity: 0.875 }];
    const images = [{ name: HOSTILE, class: "cat", neighbours }];
    const facts = {
      step,
      epoch: step,
      network: "teacher",
      pool: 9,
      explained: [0.5, 0.3, 0.1],
      images,
    } as const;
    const pictures = { "features.webp": await webp(100 + step), "neighbours.webp": await webp(50) };
    await writePictures(timeFolder(run, step), pictures, facts);
  }
}

async function writeCrops(run: string, names: readonly string[]): Promise<void> {
  const files = names.map(async (_, at) => [cropsFile(at), await webp(60)] as const);
  await writePictures(cropsFolder(run), Object.fromEntries(await Promise.all(files)), { images: names });
}

test("of many times a few are shown, evenly, with the first and the last", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 2, max: 12 }), (count, most) => {
      const all = Array.from({ length: count }, (_, at) => at);
      const chosen = spread(all, most);
      expect(chosen).toHaveLength(Math.min(count, most));
      expect(new Set(chosen).size).toBe(chosen.length);
      expect([chosen[0], chosen.at(-1)]).toEqual([all[0], all.at(-1)]);
      const gaps = chosen.slice(1).map((step, at) => step - (chosen[at] as number));
      if (gaps.length > 0) expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
    }),
  );
});

test("a run without pictures has none, and its report no section of them", async () => {
  const folder = temporaryFolder();
  await writeExample(join(folder, "a"), 3);
  expect(await runPictures(join(folder, "a"))).toEqual({ crops: [], steps: [], shown: [] });
  await writeReport({ run: join(folder, "a"), out: join(folder, "report.html") });
  const text = readFileSync(join(folder, "report.html"), "utf8");
  expect(text).not.toContain("<img");
  expect(text).not.toContain("Nearest neighbours");
});

test("a folder that is not whole is passed over", async () => {
  const run = temporaryFolder();
  await writeTimes(run, [0, 1, 2, 3]);
  rmSync(join(timeFolder(run, 1), "features.webp"));
  writeFileSync(join(timeFolder(run, 2), "facts.json"), "{");
  mkdirSync(cropsFolder(run));
  const { shown, crops } = await runPictures(run);
  expect(shown.map(({ facts }) => facts.step)).toEqual([0, 3]);
  expect(crops).toEqual([]);
});

describe.skipIf(testBrowser === null)(`in Chromium${browserNote}`, () => {
  const folder = sharedFolder();
  const file = join(folder, "report.html");
  let browser: Browser;

  beforeAll(async () => {
    for (const name of ["many", "few", "none"]) await writeExample(join(folder, name), 5);
    await writeTimes(
      join(folder, "many"),
      Array.from({ length: 22 }, (_, step) => step),
    );
    await writeCrops(join(folder, "many"), ["first.jpg", HOSTILE]);
    await writeTimes(join(folder, "few"), [4]);
    const compare = [join(folder, "few"), join(folder, "none")];
    await writeReport({ run: join(folder, "many"), compare, out: file });
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  async function open(script = true): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage({ javaScriptEnabled: script });
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("request", (request) => {
      if (!/^(file|data):/.test(request.url())) complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(`file://${file}`);
    return { page, complaints };
  }

  test("every picture stands in the page itself and can be seen", async () => {
    const { page, complaints } = await open();
    const widths = await page.locator("img").evaluateAll((all) =>
      Promise.all(
        (all as { decode(): Promise<void>; naturalWidth: number }[]).map(async (image) => {
          await image.decode();
          return image.naturalWidth;
        }),
      ),
    );
    expect(widths).toEqual([60, 60, 100, 103, 106, 109, 112, 115, 118, 121, 104, 50, 50, 50]);
    expect(complaints).toEqual([]);
    expect(await page.title()).not.toBe("taken");
  });

  test("the newest time is seen first; arrow keys go through the others, with and without scripts", async () => {
    for (const script of [true, false]) {
      const { page } = await open(script);
      const times = page.locator("#attention .times").first();
      const seen = () => times.locator("img:visible").getAttribute("alt");
      expect(await seen()).toContain("teacher after step 21");
      await times.getByRole("radio", { name: "21" }).focus();
      await page.keyboard.press("ArrowLeft");
      expect(await seen()).toContain("teacher after step 18");
      await times.getByText("0, before training").click();
      expect(await seen()).toContain("the network before its first step");
      expect(await times.locator("img:visible").count()).toBe(1);
    }
  });

  test("the page says what was left out, and which runs have no pictures", async () => {
    const { page } = await open();
    expect(await page.locator("#attention legend").allTextContents()).toEqual([
      "Teacher after step (8 of 22 times)",
      "Teacher after step",
    ]);
    expect(await page.locator("#attention h3").allTextContents()).toEqual(["many", "few", "none"]);
    expect(await page.locator("#attention").textContent()).toContain("This run has made no such pictures");
  });

  test("neighbours are told in words too", async () => {
    const { page } = await open();
    const section = page.locator("#neighbours");
    expect(await section.locator("img").first().getAttribute("alt")).toBe(
      `Images, each beside those of 9 others that the network before its first step holds for the most similar; 1 of 1 neighbours are of the same class: ${HOSTILE}`,
    );
    await section.getByText("in words").first().click();
    const row = section.getByRole("row", { name: HOSTILE }).first();
    expect(await row.textContent()).toContain("near.jpg 0.875");
  });

  test("on paper all times are seen", async () => {
    const { page } = await open();
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("#attention .times").first().locator("img:visible").count()).toBe(8);
  });
});
