/** What a request is answered with. Paths are compared as they stand; no part of a request ever becomes part of a file's path. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Following, sendEvents } from "./event-stream.js";
import { isOurs } from "./hosts.js";
import { pageChanges } from "./page-changes.js";
import { problemPage, runsPage, tablePage } from "./pages.js";
import { PATHS } from "./paths.js";
import { problemOf } from "./problem.js";
import { tableChanges } from "./run-rows.js";
import type { RunsWatch } from "./runs-watch.js";
import { protect, sendPage, sendPicture, sendText } from "./sending.js";
import type { ServedAssets } from "./served-assets.js";
import type { ServedPages } from "./served-runs.js";

export interface Served {
  /** As it was named when the server was started. */
  readonly folder: string;
  readonly host: string;
  readonly watch: RunsWatch;
  readonly pages: ServedPages;
  readonly assets: ServedAssets;
}

interface Exchange {
  readonly served: Served;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
}

type Answer = (exchange: Exchange) => Promise<void>;

const ANSWERS: ReadonlyMap<string, Answer> = new Map([
  [PATHS.table, answerTable],
  [PATHS.tableEvents, answerTableEvents],
  [PATHS.runs, answerRuns],
  [PATHS.runsEvents, answerRunsEvents],
  [PATHS.picture, answerPicture],
]);

/** Rejects with what is a defect; the response may have begun then. */
export async function answer(
  served: Served,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  protect(response);
  const [path = "", query = ""] = (request.url ?? "").split("?", 2);
  const found = ANSWERS.get(path);
  if (!isOurs(request.headers.host, served.host)) return sendText(response, 403, wrongHost(served.host));
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return sendText(response, 405, "Nothing can be changed here: expected GET or HEAD.");
  }
  if (found === undefined)
    return sendText(response, 404, "There is no such page. The table of all runs is at /.");
  await found({ served, request, response, query: new URLSearchParams(query) });
}

function wrongHost(host: string): string {
  return `Expected a request for localhost or ${host}, received one for another name. To be reached under that name, start with --host.`;
}

async function answerTable({ served, response }: Exchange): Promise<void> {
  const files = served.assets.table;
  await orProblem(served, response, async () => {
    sendPage(response, 200, tablePage(served.folder, await served.watch.look(), files), files);
  });
}

async function answerRuns({ served, response, query }: Exchange): Promise<void> {
  const files = served.assets.runs;
  const names = query.getAll("run");
  await orProblem(served, response, async () => {
    const page = await served.pages.page(names);
    sendPage(response, 200, runsPage(page, runsQuery(names), files), files);
  });
}

function runsQuery(names: readonly string[]): string {
  return new URLSearchParams(names.map((name): [string, string] => ["run", name])).toString();
}

async function answerTableEvents(exchange: Exchange): Promise<void> {
  const { watch } = exchange.served;
  await startEvents(exchange, { now: () => watch.look(), changes: tableChanges });
}

async function answerRunsEvents(exchange: Exchange): Promise<void> {
  const { pages } = exchange.served;
  const names = exchange.query.getAll("run");
  await startEvents(exchange, { now: () => pages.page(names), changes: pageChanges });
}

async function answerPicture({ served, response, query }: Exchange): Promise<void> {
  await orProblem(served, response, async () => {
    sendPicture(response, await served.pages.picture(query.get("run"), query.get("file")));
  });
}

/** A browser that comes back names the state that it has in a header, one that comes from a page in the address. */
async function startEvents<State extends { readonly id: string }>(
  { request, response, query }: Exchange,
  following: Following<State>,
): Promise<void> {
  const last = request.headers["last-event-id"];
  const known = typeof last === "string" ? last : query.get("since");
  response.setHeader("content-type", "text/event-stream");
  if (request.method === "HEAD") response.end();
  else await sendEvents(response, following, known);
}

/** What cannot be shown is said in words; a defect goes on. */
async function orProblem(served: Served, response: ServerResponse, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const files = served.assets.problem;
    sendPage(response, 404, problemPage(problemOf(error), files), files);
  }
}
