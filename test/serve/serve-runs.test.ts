/** A real server on a free port, asked as others than a browser may ask. */
import { appendFileSync, cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ArgumentError, RunError } from "../../ts/errors.js";
import { type RunServer, serveRuns } from "../../ts/serve/serve-runs.js";
import { sharedFolder } from "../end-to-end/photos.js";
import { openExample, writeExample } from "../report/example-runs.js";
import { evaluationAt, stepAt } from "../run/example-run.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { ask, askBytes, eventsOf, type ServerEvent } from "./asking.js";

function serve(folder: string): Promise<RunServer> {
  return serveRuns({ folder, port: 0 });
}

async function next(events: AsyncGenerator<ServerEvent>): Promise<ServerEvent> {
  const { value, done } = await events.next();
  if (done) throw new Error("the events ended");
  return value;
}

describe("what is answered", () => {
  const folder = join(sharedFolder(), "runs");
  const outside = join(folder, "..", "outside");

  async function prepare(): Promise<void> {
    rmSync(folder, { recursive: true, force: true });
    rmSync(outside, { recursive: true, force: true });
    await writeExample(join(folder, "a"), 6);
    await writeExample(join(folder, "sweep", "b"), 3, "seed=4242");
    await writeExample(outside, 3, "seed=31337");
  }

  async function prepared(): Promise<RunServer> {
    await prepare();
    return serve(folder);
  }

  test("the table holds all runs, the page of runs those that were asked for", async () => {
    await using server = await prepared();
    const table = await ask(server.address, "/");
    expect(table.status).toBe(200);
    expect(table.text).toContain('"names":["a","sweep/b"]');
    const page = await ask(server.address, "/runs?run=sweep%2Fb");
    expect(page.status).toBe(200);
    expect(page.text).toContain("4242");
    const both = await ask(server.address, "/runs?run=a&run=sweep%2Fb");
    expect(both.text).toContain("a and sweep/b");
  });

  test.each([
    "../outside",
    "..",
    ".",
    "",
    "/etc",
    "a/../../outside",
    "a/",
    "./a",
    "sweep",
    "a\0",
    "%2e%2e%2foutside",
    "..%2foutside",
  ])("the name %j is that of no run", async (name) => {
    await using server = await prepared();
    const { status, text } = await ask(server.address, `/runs?${new URLSearchParams({ run: name })}`);
    expect(status).toBe(404);
    expect(text).toContain("expected the name of a run");
    expect(text).not.toContain("31337");
  });

  test.each([
    "/a/config.yaml",
    "/../outside/config.yaml",
    "/%2e%2e/outside/config.yaml",
    "/..%2foutside%2fconfig.yaml",
    "//etc/passwd",
    "/runs/../../../etc/passwd",
    "/runs/a",
    "/runs/",
    "/%00",
    "/runs%00?run=a",
    "/index.html",
    "/favicon.ico",
    "*",
    "http://127.0.0.1/etc/passwd",
  ])("the path %s leads nowhere", async (path) => {
    await using server = await prepared();
    const { status, text } = await ask(server.address, path);
    expect(status).toBe(404);
    expect(text).not.toMatch(/31337|root:/);
  });

  test("bytes that are no request are refused, and the server goes on", async () => {
    await using server = await prepared();
    expect(await askBytes(server.address, "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    expect(await askBytes(server.address, "GET / HTTP/1.1\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    expect((await ask(server.address, "/")).status).toBe(200);
  });

  test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])(
    "%s is refused: nothing can be changed",
    async (method) => {
      await using server = await prepared();
      const { status, headers } = await ask(server.address, "/", { method });
      expect([status, headers.allow]).toEqual([405, "GET, HEAD"]);
    },
  );

  test.each(["/", "/runs?run=a", "/events", "/runs/events?run=a"])(
    "HEAD of %s has the headers and no text",
    async (path) => {
      await using server = await prepared();
      const { status, headers, text } = await ask(server.address, path, { method: "HEAD" });
      expect([status, text]).toEqual([200, ""]);
      expect(headers["content-type"]).toMatch(path.includes("events") ? /event-stream/ : /html/);
    },
  );

  test.each(["/", "/runs?run=a", "/nowhere", "/runs?run=none"])(
    "the answer to %s protects its reader",
    async (path) => {
      await using server = await prepared();
      const { headers } = await ask(server.address, path);
      expect(headers).toMatchObject({
        "cache-control": "no-store",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
      });
      const policy = String(headers["content-security-policy"]);
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/script-src[^;]*(unsafe|\*|'self')/);
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    },
  );

  test("a request for another name is refused: that name may have been pointed here", async () => {
    await using server = await prepared();
    for (const host of ["evil.example", "127.0.0.1.evil.example", "evil.example:6106"]) {
      const { status, text } = await ask(server.address, "/", { headers: { host } });
      expect([status, text.includes("sweep")]).toEqual([403, false]);
    }
    expect((await ask(server.address, "/", { headers: { host: "localhost:1234" } })).status).toBe(200);
  });

  test("a run whose files are links that lead outside is not shown, one whose links stay inside is", async () => {
    await prepare();
    mkdirSync(join(folder, "linked", "checkpoints"), { recursive: true });
    symlinkSync(join(outside, "config.yaml"), join(folder, "linked", "config.yaml"));
    cpSync(join(folder, "a"), join(folder, "inner"), { recursive: true });
    renameSync(join(folder, "inner", "metrics.jsonl"), join(folder, "metrics-of-inner.jsonl"));
    symlinkSync("../metrics-of-inner.jsonl", join(folder, "inner", "metrics.jsonl"));
    cpSync(join(folder, "a"), join(folder, "deep"), { recursive: true });
    rmSync(join(folder, "deep", "checkpoints", "6", "checkpoint.json"));
    symlinkSync("/etc/passwd", join(folder, "deep", "checkpoints", "6", "checkpoint.json"));
    symlinkSync(outside, join(folder, "whole"));
    await using server = await serve(folder);
    const { text } = await ask(server.address, "/");
    expect(text).toContain('"names":["a","inner","sweep/b"]');
    expect(text).toContain('"refused":["deep","linked"]');
    for (const name of ["linked", "deep", "whole"]) {
      const page = await ask(server.address, `/runs?run=${name}`);
      expect(page.status).toBe(404);
      expect(page.text).not.toMatch(/31337|root:/);
    }
  });

  test("a run that cannot be read is said to be so", async () => {
    await prepare();
    writeFileSync(join(folder, "a", "config.yaml"), "{");
    await using server = await serve(folder);
    const { status, text } = await ask(server.address, "/runs?run=a");
    expect(status).toBe(404);
    expect(text).toContain("expected the configuration of a run");
    expect((await ask(server.address, "/")).text).toContain("damaged");
  });

  test("no more runs are compared than colours can tell apart", async () => {
    await prepare();
    for (let count = 1; count <= 8; count++)
      cpSync(join(folder, "a"), join(folder, `a${count}`), { recursive: true });
    await using server = await serve(folder);
    const names = ["a", ...Array.from({ length: 8 }, (_, index) => `a${index + 1}`)];
    const query = (count: number) =>
      `/runs?${names
        .slice(0, count)
        .map((name) => `run=${name}`)
        .join("&")}`;
    expect((await ask(server.address, query(8))).status).toBe(200);
    expect((await ask(server.address, query(9))).text).toContain("expected one to 8 runs, received 9");
    expect((await ask(server.address, "/runs")).text).toContain("received none");
  });
});

describe("events", () => {
  test("a new step and a new evaluation are told, as points and as tables, and nothing twice", async () => {
    const folder = temporaryFolder();
    await using run = await openExample(join(folder, "a"));
    await run.logStep(stepAt(1), []);
    await using server = await serve(folder);
    const events = eventsOf(server.address, "/runs/events?run=a");
    const first = await next(events);
    expect(first).toMatchObject({ event: "change", data: { names: ["a"] } });
    await run.logStep(stepAt(2), []);
    const second = await next(events);
    expect(second.id).not.toBe(first.id);
    const { plots, fragments } = second.data as { plots: object[]; fragments: Record<string, string> };
    expect(plots).toContainEqual(
      expect.objectContaining({
        id: "loss",
        lines: [expect.objectContaining({ from: 1, steps: [2], mean: [3.45] })],
      }),
    );
    expect(Object.keys(fragments)).toContain("overview");
    expect(Object.keys(fragments)).not.toContain("configuration");
    await run.logEvaluation(evaluationAt(2));
    expect((await next(events)).data).toMatchObject({
      fragments: { scores: expect.stringContaining("50.0 %"), sections: expect.stringContaining("#knn") },
    });
    await events.return(undefined);
  });

  test("a browser that comes back is told everything if something has changed, and else nothing", async () => {
    const folder = temporaryFolder();
    await using run = await openExample(join(folder, "a"));
    for (let step = 1; step <= 3; step++) await run.logStep(stepAt(step), []);
    await using server = await serve(folder);
    const path = "/runs/events?run=a";
    const before = eventsOf(server.address, path);
    const { id = "" } = await next(before);
    await before.return(undefined);
    const back = eventsOf(server.address, path, { "last-event-id": id });
    const told = next(back);
    await run.logStep(stepAt(4), []);
    // Nothing of the state that it had: the first news is the step that came afterwards.
    expect((await told).data).toMatchObject({
      plots: expect.arrayContaining([
        expect.objectContaining({ id: "loss", lines: [expect.objectContaining({ from: 3 })] }),
      ]),
    });
    await back.return(undefined);
    const late = eventsOf(server.address, `${path}&since=${id}`);
    expect((await next(late)).data).toMatchObject({
      plots: expect.arrayContaining([
        expect.objectContaining({ id: "loss", lines: [expect.objectContaining({ from: 0 })] }),
      ]),
    });
    await late.return(undefined);
  });

  test("runs that appear, go on, end and go are told in the table", async () => {
    const folder = temporaryFolder();
    await writeExample(join(folder, "a"), 2);
    await using server = await serve(folder);
    const events = eventsOf(server.address, "/events");
    expect((await next(events)).data).toMatchObject({ names: ["a"], rows: [{ name: "a" }] });
    {
      await using run = await openExample(join(folder, "b"));
      const appeared = (await next(events)).data;
      expect(appeared).toMatchObject({ names: ["a", "b"], rows: [{ name: "b" }] });
      expect(JSON.stringify(appeared)).toContain("running");
      await run.logStep(stepAt(1), []);
      expect(JSON.stringify((await next(events)).data)).toContain("6.9000");
    }
    expect(JSON.stringify((await next(events)).data)).toContain("stopped");
    rmSync(join(folder, "a"), { recursive: true });
    expect((await next(events)).data).toMatchObject({ names: ["b"], rows: [] });
    await events.return(undefined);
  });

  test("a run that goes is told in words, and all of it when it is back", async () => {
    const folder = temporaryFolder();
    await writeExample(join(folder, "a"), 2);
    await using server = await serve(folder);
    const events = eventsOf(server.address, "/runs/events?run=a");
    await next(events);
    renameSync(join(folder, "a"), join(folder, "b"));
    expect(await next(events)).toMatchObject({
      event: "problem",
      data: expect.stringContaining('received "a"'),
    });
    renameSync(join(folder, "b"), join(folder, "a"));
    expect(await next(events)).toMatchObject({ event: "change", data: { names: ["a"] } });
    await events.return(undefined);
  });

  test("a log that is cut where a run is taken up again is shown as it is then", async () => {
    const folder = temporaryFolder();
    await writeExample(join(folder, "a"), 6);
    await using server = await serve(folder);
    const events = eventsOf(server.address, "/runs/events?run=a");
    await next(events);
    const lines = [1, 2, 3].map((step) => `${JSON.stringify({ ...stepAt(step), loss: 5 })}\n`).join("");
    writeFileSync(join(folder, "a", "new"), lines);
    renameSync(join(folder, "a", "new"), join(folder, "a", "metrics.jsonl"));
    expect((await next(events)).data).toMatchObject({
      plots: expect.arrayContaining([
        expect.objectContaining({
          id: "loss",
          lines: [expect.objectContaining({ from: 0, steps: [1, 2, 3], mean: [5, 5, 5] })],
        }),
      ]),
    });
    appendFileSync(join(folder, "a", "metrics.jsonl"), `${JSON.stringify(stepAt(4))}\n`);
    expect((await next(events)).data).toMatchObject({
      plots: expect.arrayContaining([
        expect.objectContaining({ id: "loss", lines: [expect.objectContaining({ from: 3, steps: [4] })] }),
      ]),
    });
    await events.return(undefined);
  });
});

describe("beginning and end", () => {
  test("closing ends open connections too", async () => {
    const folder = temporaryFolder();
    await writeExample(join(folder, "a"), 2);
    const end = new AbortController();
    const server = await serveRuns({ folder, port: 0, signal: end.signal });
    const events = eventsOf(server.address, "/events");
    await next(events);
    const ended = expect(events.next()).rejects.toThrow();
    end.abort();
    await server.closed;
    await ended;
    await expect(ask(server.address, "/")).rejects.toThrow("ECONNREFUSED");
  });

  test("a port that is taken is an error that names it, and without one a free one is taken", async () => {
    const folder = temporaryFolder();
    await using server = await serve(folder);
    const port = Number(new URL(server.address).port);
    const again = serveRuns({ folder, port });
    await expect(again).rejects.toThrow(ArgumentError);
    await expect(again).rejects.toThrow(`port: expected a free one, received ${port}`);
    await expect(again).rejects.toMatchObject({ hint: expect.stringContaining("--port 0") });
    const usual = createServer();
    await new Promise<void>((done) => usual.once("error", () => done()).listen(6106, "127.0.0.1", done));
    await using other = await serveRuns({ folder });
    expect(new URL(other.address).port).not.toBe("6106");
    usual.close();
  });

  test("no folder, no port and no address of this machine are errors that name them", async () => {
    const folder = temporaryFolder();
    await expect(serveRuns({ folder: join(folder, "none") })).rejects.toThrow(RunError);
    await expect(serveRuns({ folder, host: "" })).rejects.toThrow(
      "expected an address of this machine, received none",
    );
    await expect(serveRuns({ folder, port: 65_536 })).rejects.toThrow("from 0 to 65535, received 65536");
    await expect(serveRuns({ folder, port: 0, host: "192.0.2.1" })).rejects.toThrow(
      "expected an address of this machine, received 192.0.2.1",
    );
  });
});
