/** Reports of runs on the disk, looked at in a real browser. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeReport } from "../../ts/report/write-report.js";
import { sharedFolder } from "../end-to-end/photos.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { browserNote, openBrowser, testBrowser } from "./browser.js";
import { openExample, writeExample } from "./example-runs.js";

const HOSTILE = `<script>document.title="taken"</script>&"'`;

test("a report names hash, command and differing keys, and leaves out sections without content", async () => {
  const folder = temporaryFolder();
  await writeExample(join(folder, "a"), 30);
  await writeExample(join(folder, "b"), 20, "schedule.learningRate=0.001");
  const out = join(folder, "reports", "report.html");
  const command = "udi-native report a --compare b";
  const { runs, bytes } = await writeReport({
    run: join(folder, "a"),
    compare: [join(folder, "b")],
    out,
    command,
  });
  const text = readFileSync(out, "utf8");
  expect(bytes).toBe(Buffer.byteLength(text));
  for (const { configHash } of runs) expect(text).toContain(configHash);
  expect(runs[0]?.configHash).not.toBe(runs[1]?.configHash);
  expect(text).toContain(command);
  expect(text).toContain("node udi-native train");
  const differing = text.slice(text.indexOf("Keys that differ"), text.indexOf("<details>"));
  expect(differing).toContain("schedule.<wbr>learningRate");
  expect(differing).not.toContain("schedule.<wbr>weightDecay");
  expect(text).toContain("&lt;i&gt;torn&lt;/i&gt;.jpg");
  expect(text).not.toContain("Loss scale");
});

test("nothing in a report points outside it", async () => {
  const folder = temporaryFolder();
  await writeExample(join(folder, "a"), 3);
  await writeReport({ run: join(folder, "a"), out: join(folder, "report.html") });
  const text = readFileSync(join(folder, "report.html"), "utf8");
  expect(text).not.toMatch(/(src|href)="(?!#)/);
  expect(text).toContain("default-src &#39;none&#39;");
});

test("a folder without a run, and too many runs, are errors that name them; no file is left", async () => {
  const folder = temporaryFolder();
  const out = join(folder, "report.html");
  await expect(writeReport({ run: folder, out })).rejects.toThrow(`found none in ${folder}`);
  const compare = Array.from({ length: 8 }, () => folder);
  await expect(writeReport({ run: folder, compare, out })).rejects.toThrow("at most 8 runs, received 9");
});

test("a file that cannot be written is an error that names it", async () => {
  const folder = temporaryFolder();
  await writeExample(join(folder, "a"), 1);
  const run = join(folder, "a");
  await expect(writeReport({ run, out: folder })).rejects.toThrow(`received ${folder}: it is a folder`);
  const below = join(run, "config.yaml", "report.html");
  await expect(writeReport({ run, out: below })).rejects.toThrow(`received ${below}: `);
});

test("a run that has made no step yet has a report without plots of steps", async () => {
  const folder = temporaryFolder();
  {
    await using _run = await openExample(join(folder, "a"));
  }
  const { runs } = await writeReport({ run: join(folder, "a"), out: join(folder, "report.html") });
  expect(runs[0]).toMatchObject({ step: 0, loss: null, best: null });
  expect(readFileSync(join(folder, "report.html"), "utf8")).not.toContain("<figure");
});

describe.skipIf(testBrowser === null)(`in Chromium${browserNote}`, () => {
  const folder = sharedFolder();
  const file = join(folder, "report.html");
  let browser: Browser;

  beforeAll(async () => {
    await writeExample(join(folder, "plain"), 60);
    await writeExample(join(folder, HOSTILE.replaceAll("/", "_")), 30, `data.path=${HOSTILE}`);
    await writeReport({
      run: join(folder, "plain"),
      compare: [join(folder, HOSTILE.replaceAll("/", "_"))],
      out: file,
      command: `udi-native report ${HOSTILE}`,
    });
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  async function open(colorScheme: "light" | "dark"): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage({ colorScheme });
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
      if (request.url() !== `file://${file}`) complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(`file://${file}`);
    return { page, complaints };
  }

  test("every plot is drawn, nothing is fetched, nothing goes wrong", async () => {
    const { page, complaints } = await open("light");
    const [figures, canvases] = [page.locator("[data-plot]"), page.locator("[data-plot] canvas")];
    expect(await figures.count()).toBeGreaterThan(8);
    expect(await canvases.count()).toBe(await figures.count());
    expect(complaints).toEqual([]);
  });

  test("a name and a value with a script in them are text", async () => {
    const { page } = await open("light");
    expect(await page.title()).toContain("<script>");
    expect(await page.locator("h1").textContent()).toContain(HOSTILE.replaceAll("/", "_"));
    expect(await page.locator("#configuration").textContent()).toContain(HOSTILE);
    expect(await page.locator("footer script, main script").count()).toBe(0);
  });

  test("colours follow the system, and the choice that is made", async () => {
    const { page } = await open("dark");
    const paper = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const dark = await paper();
    await page.getByLabel("Colours").selectOption("light");
    expect(await paper()).not.toBe(dark);
    await page.getByLabel("Colours").selectOption("dark");
    expect(await paper()).toBe(dark);
  });

  test("a plot is reached and read with the keyboard, and says what it shows", async () => {
    const { page } = await open("light");
    const plot = page.getByRole("img", { name: /^Loss over steps\. plain: from 6\.9 at step 1 to/ });
    await plot.focus();
    await page.keyboard.press("Home");
    const reading = page.locator('[data-plot="loss"] .reading');
    expect(await reading.textContent()).toContain("6.9 at step 1");
    await page.keyboard.press("ArrowRight");
    expect(await reading.textContent()).toContain("3.45 at step 2");
    await page.keyboard.press("End");
    expect(await reading.textContent()).toContain("at step 60");
  });

  test("the loss can be drawn with a logarithmic axis", async () => {
    const { page, complaints } = await open("light");
    const picture = () => page.locator('[data-plot="loss"] canvas').screenshot();
    const before = await picture();
    await page.locator('[data-plot="loss"]').getByLabel("logarithmic").check();
    expect(before.equals(await picture())).toBe(false);
    expect(complaints).toEqual([]);
  });
});
