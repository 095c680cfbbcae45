/** Served pages in a real browser, while real runs go on. */
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunServer, serveRuns } from "../../ts/serve/serve-runs.js";
import { browserNote, openBrowser, testBrowser } from "../report/browser.js";
import { openExample, writeExample } from "../report/example-runs.js";
import { evaluationAt, stepAt } from "../run/example-run.js";
import { temporaryFolder } from "../run/temporary-folder.js";

const HOSTILE = `<img src=x onerror="document.title='taken'">&"'`;

describe.skipIf(testBrowser === null)(`in Chromium${browserNote}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  function serve(folder: string): Promise<RunServer> {
    return serveRuns({ folder, port: 0 });
  }

  /** A page that listens for changes, and what its console was told. */
  async function open(address: string, path = "/"): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(new URL(path, address).href);
    await isLive(page);
    // Gone with a reload.
    await page.evaluate("window.sameDocument = true");
    return { page, complaints };
  }

  const isLive = (page: Page) => page.locator("#connection.live").waitFor();
  const isSameDocument = (page: Page) => page.evaluate("window.sameDocument === true");
  const names = (page: Page) => page.locator("#runs tbody tr:not([hidden]) th").allTextContents();
  const cell = (page: Page, run: string, column: number) =>
    page
      .locator("#runs tbody tr", { has: page.getByRole("link", { name: run, exact: true }) })
      .locator("td")
      .nth(column);

  describe("the table of all runs", () => {
    test("shows steps, states and runs as they come, without a reload", async () => {
      const folder = temporaryFolder();
      await writeExample(join(folder, "a"), 3);
      await using server = await serve(folder);
      const { page, complaints } = await open(server.address);
      expect(await names(page)).toEqual(["a"]);
      {
        await using run = await openExample(join(folder, "b"));
        await cell(page, "b", 1).getByText("running").waitFor();
        await run.logStep(stepAt(1), []);
        await cell(page, "b", 4).getByText("6.9000").waitFor();
        await run.logEvaluation(evaluationAt(1));
        await cell(page, "b", 5).getByText("50.0 % (k = 10)").waitFor();
      }
      await cell(page, "b", 1).getByText("stopped").waitFor();
      expect(await isSameDocument(page)).toBe(true);
      expect(complaints).toEqual([]);
    });

    test("is sorted by every column with the keyboard, unknown values last, and stays so while it is live", async () => {
      const folder = temporaryFolder();
      for (const [name, steps] of [
        ["run-10", 9],
        ["run-9", 4],
        ["run-2", 6],
      ] as const) {
        await writeExample(join(folder, name), steps);
      }
      await using fresh = await openExample(join(folder, "fresh"));
      await using server = await serve(folder);
      const { page } = await open(server.address);
      expect(await names(page)).toEqual(["fresh", "run-2", "run-9", "run-10"]);
      for (const head of await page.locator("#runs [data-column]").all()) {
        await head.getByRole("button").press("Enter");
        expect(await head.getAttribute("aria-sort")).toMatch(/cending$/);
        expect(await page.locator("[aria-sort]").count()).toBe(1);
      }
      const loss = page.getByRole("button", { name: "Loss" });
      await loss.press("Enter");
      expect(await names(page)).toEqual(["run-10", "run-2", "run-9", "fresh"]);
      await loss.press("Enter");
      expect(await names(page)).toEqual(["run-9", "run-2", "run-10", "fresh"]);
      await fresh.logStep(stepAt(1), []);
      await cell(page, "fresh", 4).getByText("6.9000").waitFor();
      expect(await names(page)).toEqual(["fresh", "run-9", "run-2", "run-10"]);
      await page.reload();
      expect(await names(page)).toEqual(["fresh", "run-9", "run-2", "run-10"]);
    });

    test("keeps focus, filter and choice while rows change their places", async () => {
      const folder = temporaryFolder();
      await writeExample(join(folder, "vit-a"), 3);
      await writeExample(join(folder, "other"), 3);
      await using run = await openExample(join(folder, "vit-b"));
      await run.logStep(stepAt(9), []);
      await using server = await serve(folder);
      const { page } = await open(server.address);
      await page.getByRole("button", { name: "Step", exact: true }).click();
      await page.getByLabel("Filter by name").fill("vit");
      expect(await page.locator("#count").textContent()).toBe("2 of 3 runs");
      expect(await names(page)).toEqual(["vit-a", "vit-b"]);
      const choice = page.getByLabel("Choose vit-b");
      await choice.press("Space");
      await run.logStep(stepAt(2), []);
      await cell(page, "vit-b", 3).getByText("2", { exact: true }).waitFor();
      expect(await names(page)).toEqual(["vit-b", "vit-a"]);
      expect(await choice.isChecked()).toBe(true);
      expect(await choice.evaluate((element) => element.ownerDocument.activeElement === element)).toBe(true);
      await page.getByRole("button", { name: "Choose none" }).click();
      expect(await choice.isChecked()).toBe(false);
    });

    test("lets up to eight runs be chosen and compared, with the keyboard alone", async () => {
      const folder = temporaryFolder();
      for (let number = 1; number <= 9; number++) await writeExample(join(folder, `run-${number}`), 1);
      await using server = await serve(folder);
      const { page } = await open(server.address);
      const compare = page.getByRole("button", { name: "Compare" });
      expect(await compare.isDisabled()).toBe(true);
      for (let number = 1; number <= 8; number++)
        await page.getByLabel(`Choose run-${number}`).press("Space");
      expect(await page.getByLabel("Choose run-9").isDisabled()).toBe(true);
      expect(await page.locator("#chosen").textContent()).toBe("8 chosen");
      await page.getByLabel("Choose run-8").press("Space");
      expect(await page.getByLabel("Choose run-9").isDisabled()).toBe(false);
      await compare.press("Enter");
      await isLive(page);
      expect(await page.locator("h1").textContent()).toMatch(/^run-1 and run-2 .* run-7$/);
      await page.getByRole("link", { name: "All runs" }).press("Enter");
      await isLive(page);
      expect(await names(page)).toHaveLength(9);
    });

    test("shows a name with a script in it as text, and leads to its page", async () => {
      const folder = temporaryFolder();
      const name = HOSTILE.replaceAll("/", "_");
      await writeExample(join(folder, name), 2, `data.path=${HOSTILE}`);
      await using server = await serve(folder);
      const { page, complaints } = await open(server.address);
      expect(await names(page)).toEqual([name]);
      await page.getByRole("link", { name }).click();
      await isLive(page);
      expect(await page.locator("h1").textContent()).toBe(name);
      expect(await page.locator("#configuration").textContent()).toContain(HOSTILE);
      expect(await page.title()).not.toBe("taken");
      expect(complaints).toEqual([]);
    });
  });

  describe("the page of runs", () => {
    const reading = (page: Page, plot: string) => page.locator(`[data-plot="${plot}"] .reading`);

    test("new steps, scores and states come into plots and tables without a reload", async () => {
      const folder = temporaryFolder();
      await writeExample(join(folder, "a"), 3);
      await using server = await serve(folder);
      let page: Page;
      let complaints: string[];
      {
        await using run = await openExample(join(folder, "b"));
        await run.logStep(stepAt(1), []);
        ({ page, complaints } = await open(server.address, "/runs?run=b&run=a"));
        await page.locator("#overview").getByText("running").waitFor();
        await reading(page, "loss").getByText("b 6.9 at step 1").waitFor();
        await run.logStep(stepAt(2), []);
        await reading(page, "loss").getByText("b 3.45 at step 2").waitFor();
        await page
          .getByRole("img", { name: /^Loss over steps\. b: from 6\.9 at step 1 to 3\.45 at step 2/ })
          .waitFor();
        await run.logEvaluation(evaluationAt(2));
        await reading(page, "knn.10").getByText("b 50 % at step 2").waitFor();
        expect(await page.locator("#scores tbody tr").count()).toBe(2);
      }
      await page.locator("#overview tr", { hasText: "b" }).getByText("stopped").waitFor();
      expect(await page.locator("[data-plot] canvas").count()).toBe(
        await page.locator("[data-plot]").count(),
      );
      expect(await isSameDocument(page)).toBe(true);
      expect(complaints).toEqual([]);
    });

    test("a section that a run had nothing to say in comes to its place when it has", async () => {
      const folder = temporaryFolder();
      await using run = await openExample(join(folder, "a"));
      await using server = await serve(folder);
      const { page } = await open(server.address, "/runs?run=a");
      expect(await page.locator("[data-plot]").count()).toBe(0);
      await run.logStep(stepAt(1), []);
      await reading(page, "loss").getByText("6.9 at step 1").waitFor();
      const sections = await page.locator("main > section").evaluateAll((all) => all.map(({ id }) => id));
      const links = await page
        .locator("nav a")
        .evaluateAll((all) => all.map((link) => link.getAttribute("href")));
      expect(links).toEqual(sections.map((id) => `#${id}`));
      expect(sections.indexOf("loss")).toBe(1);
    });

    test("zoom, scroll, focus, opened parts and choices stay", async () => {
      const folder = temporaryFolder();
      await using run = await openExample(join(folder, "a"));
      for (let step = 1; step <= 30; step++) await run.logStep(stepAt(step), []);
      await using server = await serve(folder);
      const { page, complaints } = await open(server.address, "/runs?run=a");
      await page.locator('[data-plot="loss"]').getByLabel("logarithmic").check();
      await zoomIntoHalf(page);
      await page.locator("details summary").click();
      const plot = page.getByRole("img", { name: /^Gradient norm/ });
      await plot.focus();
      await page.keyboard.press("Home");
      await page.keyboard.press("ArrowRight");
      const before = await reading(page, "gradientNorm").textContent();
      const picture = await page.locator('[data-plot="loss"] .drawing').screenshot();
      const scroll = await page.evaluate("scrollY");
      await run.logStep(stepAt(31), []);
      await page.locator("#overview").getByText("31", { exact: true }).waitFor();
      await reading(page, "learningRate").getByText("at step 31").waitFor();
      expect(await page.evaluate("scrollY")).toBe(scroll);
      expect(await page.locator('[data-plot="loss"] .drawing').screenshot()).toEqual(picture);
      expect(await page.locator('[data-plot="loss"]').getByLabel("logarithmic").isChecked()).toBe(true);
      expect(await page.locator("details").evaluate((element) => element.hasAttribute("open"))).toBe(true);
      expect(await plot.evaluate((element) => element.ownerDocument.activeElement === element)).toBe(true);
      expect(await reading(page, "gradientNorm").textContent()).toBe(before);
      expect(complaints).toEqual([]);
    });

    /** With the mouse, from the middle of the loss on. */
    async function zoomIntoHalf(page: Page): Promise<void> {
      const box = await page.locator('[data-plot="loss"] .u-over').boundingBox();
      if (box === null) throw new Error("the plot is not seen");
      const { x, y, width, height } = box;
      await page.mouse.move(x + width / 2, y + height / 2);
      await page.mouse.down();
      await page.mouse.move(x + (width * 3) / 4, y + height / 2, { steps: 4 });
      await page.mouse.up();
      await page.mouse.move(0, 0);
    }

    test("plots are zoomed with the keyboard around the point that is read, and shown whole again", async () => {
      const folder = temporaryFolder();
      await using run = await openExample(join(folder, "a"));
      for (let step = 1; step <= 33; step++) await run.logStep(stepAt(step), []);
      await using server = await serve(folder);
      const { page } = await open(server.address, "/runs?run=a");
      await page.getByRole("img", { name: /^Loss over steps/ }).focus();
      const keys = async (...pressed: string[]) => {
        for (const key of pressed) await page.keyboard.press(key);
        return reading(page, "loss").textContent();
      };
      expect(await keys("Home", "ArrowRight", "+", "Home")).toContain("at step 1");
      expect(await keys("End")).toContain("at step 17");
      expect(await keys("+", "Home")).toContain("at step 13");
      expect(await keys("-", "-", "-", "End")).toContain("at step 33");
    });

    test("the axis can be one of epochs, and stays so while steps come", async () => {
      const folder = temporaryFolder();
      await using run = await openExample(join(folder, "a"), "training.batchSize=64");
      for (let step = 1; step <= 6; step++) await run.logStep(stepAt(step), []);
      await using server = await serve(folder);
      const { page } = await open(server.address, "/runs?run=a");
      await reading(page, "loss").getByText("1.15 at step 6").waitFor();
      await page.getByLabel("Axis").selectOption("epochs");
      expect(await reading(page, "loss").textContent()).toBe("1.15 at epoch 2.00");
      await run.logStep(stepAt(7), []);
      await reading(page, "loss").getByText("0.9857 at epoch 2.").waitFor();
      await page.getByLabel("Axis").selectOption("steps");
      expect(await reading(page, "loss").textContent()).toBe("0.9857 at step 7");
    });

    test("what was added point by point is what a reload shows, also beyond the points that a plot has", async () => {
      const folder = temporaryFolder();
      await using run = await openExample(join(folder, "a"));
      for (let step = 1; step <= 990; step++) await run.logStep(stepAt(step), []);
      await using server = await serve(folder);
      const { page } = await open(server.address, "/runs?run=a");
      for (const last of [1000, 1001, 1030]) {
        for (let step = last - 5; step <= last; step++) await run.logStep(stepAt(step), []);
        await page.locator("#overview").getByText(String(last), { exact: true }).waitFor();
      }
      await page.getByRole("img", { name: /^Loss over steps.*at step 1030/ }).waitFor();
      const live = await pointsOf(page);
      await page.reload();
      await isLive(page);
      expect(await pointsOf(page)).toEqual(live);
    });

    /** Some points of the loss, as they are read with the keyboard. */
    async function pointsOf(page: Page): Promise<(string | null)[]> {
      await page.getByRole("img", { name: /^Loss over steps/ }).focus();
      const points: (string | null)[] = [];
      for (const key of ["Home", "ArrowRight", "ArrowRight", "End", "ArrowLeft", "ArrowLeft"]) {
        await page.keyboard.press(key);
        points.push(await reading(page, "loss").textContent());
      }
      return points;
    }

    test("a page says that its server has gone, and is up to date again when it is back", async () => {
      const folder = temporaryFolder();
      await using run = await openExample(join(folder, "a"));
      await run.logStep(stepAt(1), []);
      const server = await serve(folder);
      const { page } = await open(server.address, "/runs?run=a");
      await server.close();
      await page.locator("#connection.lost").getByText("connection lost").waitFor();
      await run.logStep(stepAt(2), []);
      await using _again = await serveRuns({ folder, port: Number(new URL(server.address).port) });
      await reading(page, "loss").getByText("3.45 at step 2").waitFor();
      await isLive(page);
      expect(await isSameDocument(page)).toBe(true);
    });
  });
});
