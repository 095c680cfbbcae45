/** `udi-native serve` while `udi-native train` works, in a real browser. */
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { browserNote, openBrowser, testBrowser } from "../report/browser.js";
import { type Command, start, udiNative } from "./command.js";
import { sharedFolder, writePhotos, writeTinyConfig } from "./photos.js";

const folder = sharedFolder();

/** The address that it prints when it listens. */
async function addressOf({ child, told }: Command): Promise<string> {
  let printed = "";
  child.stdout?.on("data", (piece) => {
    printed += piece;
  });
  await told("Ctrl-C ends it");
  return printed.trim();
}

test.skipIf(testBrowser === null)(
  `a run that trains is seen to go on, and to end${browserNote}`,
  async () => {
    await writePhotos(join(folder, "photos"), 48);
    const server = start("serve", folder, "--port", "0");
    const address = await addressOf(server);
    const browser = await openBrowser();
    const page = await browser.newPage();
    await page.goto(address);
    await page.getByText("no runs yet").waitFor();
    const out = join(folder, "runs", "live");
    const training = udiNative(
      "train",
      writeTinyConfig(folder),
      "--data",
      join(folder, "photos"),
      "--out",
      out,
    );
    await page.getByRole("link", { name: "runs/live" }).click();
    await page.locator('[data-plot="loss"] canvas').waitFor();
    const { status, stderr } = await training;
    expect(status, stderr).toBe(0);
    await page.locator("#overview").getByText("finished").waitFor();
    await page.locator('[data-plot="loss"] .reading').getByText("at step 36").waitFor();
    await browser.close();
    server.child.kill("SIGINT");
    const ended = await server.ended;
    expect([ended.status, ended.signal], ended.stderr).toEqual([0, null]);
  },
);

test("Ctrl-C ends it cleanly while a browser listens", async () => {
  const server = start("serve", folder, "--port", "0");
  const { hostname, port } = new URL(await addressOf(server));
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  socket.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await new Promise((resolve) => socket.once("data", resolve));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  server.child.kill("SIGINT");
  expect(await server.ended).toMatchObject({ status: 0, signal: null });
  await closed;
});

test("a port that is taken, one that is none and a folder that is none are told in one line with a way out", async () => {
  const server = start("serve", folder, "--port", "0");
  const { port } = new URL(await addressOf(server));
  const taken = await udiNative("serve", folder, "--port", port);
  expect(taken.status).toBe(2);
  expect(taken.stderr).toMatch(
    new RegExp(`^error: port: expected a free one, received ${port}.*\nhint: .*--port 0`),
  );
  server.child.kill("SIGTERM");
  expect((await server.ended).status).toBe(0);
  const wrong = await udiNative("serve", folder, "--port", "70000");
  expect([wrong.status, wrong.stderr.includes("at most 65535")]).toEqual([2, true]);
  const none = await udiNative("serve", join(folder, "none"));
  expect([none.status, none.stderr.includes(join(folder, "none"))]).toEqual([2, true]);
});

test("another host than the loopback is warned of in plain words", async () => {
  const server = start("serve", folder, "--port", "0", "--host", "0.0.0.0");
  const address = await addressOf(server);
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  server.child.kill("SIGINT");
  expect((await server.ended).stderr).toContain("can read configurations, paths and pictures");
});
