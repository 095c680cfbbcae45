/** Server-sent events: what has changed since a state that the browser knows, for as long as it listens. */
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import { problemOf } from "./problem.js";
import { LOOK_MILLISECONDS } from "./runs-watch.js";

/** Something with states that follow each other. */
export interface Following<State extends { readonly id: string }> {
  /** As it is now. Throws UdiError where it cannot be had. */
  now(): Promise<State>;
  /** What a browser that knows `before` needs; null: it knows nothing. */
  changes(before: State | null, now: State): unknown;
}

/** A browser waits so long before it asks again after a lost connection. */
const RETRY_MILLISECONDS = 2000;

/** Something is sent at least so often: proxies end connections that are silent. */
const HEARTBEAT_MILLISECONDS = 15_000;

/** How a connection ends whose browser has left. */
const LEFT: ReadonlySet<string | undefined> = new Set(["ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET", "EPIPE"]);

/**
 * Sends until the connection ends. `known` is the id of the state that the browser has; any other than the one of now, and it
 * gets everything. A browser that reads slowly misses states in between, not the newest one.
 */
export async function sendEvents<State extends { readonly id: string }>(
  response: ServerResponse,
  following: Following<State>,
  known: string | null,
): Promise<void> {
  const ended = new AbortController();
  response.on("close", () => ended.abort());
  const events = Readable.from(eventTexts(new Listener(following, known), ended.signal));
  await pipeline(events, response).catch((error: NodeJS.ErrnoException) => {
    if (!LEFT.has(error.code)) throw error;
  });
}

async function* eventTexts(
  listener: Pick<Listener<never>, "news">,
  ended: AbortSignal,
): AsyncGenerator<string> {
  yield `retry: ${RETRY_MILLISECONDS}\n\n`;
  let sentAt = performance.now();
  while (!ended.aborted) {
    const isSilent = performance.now() - sentAt > HEARTBEAT_MILLISECONDS;
    const text = (await listener.news()) ?? (isSilent ? ":\n\n" : null);
    if (text !== null) {
      yield text;
      sentAt = performance.now();
    }
    await pause(LOOK_MILLISECONDS, undefined, { signal: ended }).catch(() => {});
  }
}

/** What one browser has been told. */
class Listener<State extends { readonly id: string }> {
  readonly #following: Following<State>;
  /** Id of the state that it has; null: none, or an old one. */
  #known: string | null;
  /** That state, where it is still there. */
  #before: State | null = null;
  #problem: string | null = null;

  constructor(following: Following<State>, known: string | null) {
    this.#following = following;
    this.#known = known;
  }

  /** Text of an event; null: nothing is new. */
  async news(): Promise<string | null> {
    const now = await this.#following.now().catch((error: unknown) => problemOf(error).message);
    if (typeof now === "string") return this.#problemText(now);
    const [before, known] = [this.#before, this.#known];
    this.#problem = null;
    this.#known = now.id;
    this.#before = now;
    if (now.id === known) return null;
    return eventText({ id: now.id, event: "change", data: this.#following.changes(before, now) });
  }

  /** It is told once, and after it everything. */
  #problemText(problem: string): string | null {
    const isNew = problem !== this.#problem;
    this.#problem = problem;
    this.#known = null;
    this.#before = null;
    return isNew ? eventText({ event: "problem", data: problem }) : null;
  }
}

interface ServerEvent {
  readonly id?: string;
  readonly event: string;
  readonly data: unknown;
}

/** JSON has no line breaks, which would end an event. */
function eventText({ id, event, data }: ServerEvent): string {
  const idLine = id === undefined ? "" : `id: ${id}\n`;
  return `${idLine}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
