/** Pictures of runs, served as files of their own. */
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cropsFile, cropsFolder, timeFolder, writePictures } from "../../ts/run/picture-folders.js";
import { serveRuns } from "../../ts/serve/serve-runs.js";
import { browserNote, openBrowser, testBrowser } from "../report/browser.js";
import { writeExample } from "../report/example-runs.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { ask } from "./asking.js";

async function writeCrops(run: string): Promise<void> {
  await writePictures(cropsFolder(run), { [cropsFile(0)]: await webp(60) }, { images: ["one.jpg"] });
}

/** Of the teacher after a step: a picture as wide as its step. */
async function writeTime(run: string, step: number): Promise<void> {
  const facts = { step, epoch: step, network: "teacher", pool: 9, explained: [0.5], images: [] } as const;
  const pictures = { "features.webp": await webp(step), "neighbours.webp": await webp(50) };
  await writePictures(timeFolder(run, step), pictures, facts);
}

function webp(width: number): Promise<Buffer> {
  return sharp({ create: { width, height: 40, channels: 3, background: "#804020" } })
    .webp()
    .toBuffer();
}

const address = (run: string, file: string) => `/picture?${new URLSearchParams({ run, file })}`;

test("a picture of a run is served as it is, and no other file of it, whatever it is called", async () => {
  const folder = temporaryFolder();
  await writeExample(join(folder, "a"), 3);
  await writeExample(join(folder, "b"), 3);
  await writeCrops(join(folder, "a"));
  await writeTime(join(folder, "a"), 20);
  const features = join(timeFolder(join(folder, "a"), 20), "features.webp");
  writeFileSync(join(folder, "secret.webp"), "secret");
  await using server = await serveRuns({ folder, port: 0 });
  const found = await ask(server.address, address("a", "pictures/step-00000020/features.webp"));
  expect([found.status, found.headers["content-type"]]).toEqual([200, "image/webp"]);
  expect(found.headers["content-length"]).toBe(String(readFileSync(features).length));
  for (const file of [
    "config.yaml",
    "metrics.jsonl",
    "../secret.webp",
    "pictures/../../secret.webp",
    "pictures/step-00000020/../step-00000020/features.webp",
    features,
    "pictures/step-00000020/facts.json",
    "",
  ]) {
    const { status, text } = await ask(server.address, address("a", file));
    expect([status, text.includes("secret\n")], file).toEqual([404, false]);
  }
  expect((await ask(server.address, address("b", "pictures/step-00000020/features.webp"))).status).toBe(404);
  expect((await ask(server.address, "/picture")).status).toBe(404);
});

test("a picture that was replaced by a link to elsewhere is not served", async () => {
  const [folder, outside] = [temporaryFolder(), join(temporaryFolder(), "secret.webp")];
  await writeExample(join(folder, "a"), 3);
  await writeTime(join(folder, "a"), 20);
  writeFileSync(outside, "secret");
  await using server = await serveRuns({ folder, port: 0 });
  const picture = address("a", "pictures/step-00000020/features.webp");
  expect((await ask(server.address, picture)).status).toBe(200);
  const file = join(timeFolder(join(folder, "a"), 20), "features.webp");
  rmSync(file);
  symlinkSync(outside, file);
  const { status, text } = await ask(server.address, picture);
  expect([status, text.includes("secret")]).toEqual([404, false]);
});

describe.skipIf(testBrowser === null)(`in Chromium${browserNote}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  /** Widths of the pictures over time that are seen. */
  const seen = (page: Page) =>
    page
      .locator("#attention img:visible")
      .evaluateAll((images) =>
        images.map((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
      );

  test("pictures are shown, new ones come by themselves, and an older one that was chosen stays", async () => {
    const folder = temporaryFolder();
    await writeExample(join(folder, "a"), 3);
    await writeCrops(join(folder, "a"));
    await writeTime(join(folder, "a"), 100);
    await writeTime(join(folder, "a"), 200);
    await using server = await serveRuns({ folder, port: 0 });
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    await page.goto(`${server.address}runs?run=a`);
    await page.locator("#connection.live").waitFor();
    await expect.poll(() => seen(page)).toEqual([200]);
    await writeTime(join(folder, "a"), 300);
    await page.getByRole("radio", { name: "300" }).waitFor();
    await expect.poll(() => seen(page)).toEqual([300]);
    await page.getByRole("radio", { name: "100" }).check();
    await writeTime(join(folder, "a"), 400);
    await page.getByRole("radio", { name: "400" }).waitFor();
    await expect.poll(() => seen(page)).toEqual([100]);
    expect(complaints).toEqual([]);
  });
});
