/** `udi-native serve`: the runs of a folder in a browser, live. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { ArgumentError, received } from "../errors.js";
import { answer, type Served } from "./answers.js";
import { addressOf } from "./hosts.js";
import { RunsWatch } from "./runs-watch.js";
import { sendText } from "./sending.js";
import { readServedAssets } from "./served-assets.js";
import { ServedPages } from "./served-runs.js";

export interface ServeRequest {
  /** The runs are those below it. */
  readonly folder: string;
  /** Where to listen; the default is reached from this machine alone. */
  readonly host?: string;
  /** 0: a free one. By default 6106, or a free one where that is taken. */
  readonly port?: number;
  /** Ends the server. */
  readonly signal?: AbortSignal;
  /** Defects, in the answer to one request; the server goes on. */
  readonly onError?: (error: unknown) => void;
}

export interface RunServer extends AsyncDisposable {
  /** `http://127.0.0.1:6106/` */
  readonly address: string;
  /** Resolves when it has ended. */
  readonly closed: Promise<void>;
  /** Ends it, with all connections that are open. */
  close(): Promise<void>;
}

export const DEFAULT_HOST = "127.0.0.1";
export const DEFAULT_PORT = 6106;

/**
 * Resolves when it listens. It only reads, and only what lies in the folder. Throws RunError where there is no such folder,
 * ArgumentError where it cannot listen there.
 */
export async function serveRuns({
  folder,
  host = DEFAULT_HOST,
  port,
  signal,
  onError = () => {},
}: ServeRequest): Promise<RunServer> {
  checkPort(port);
  if (host === "") throw new ArgumentError("host: expected an address of this machine, received none");
  const watch = await RunsWatch.open(folder);
  const pages = new ServedPages(watch);
  const served = { folder: resolve(folder), host, watch, pages, assets: await readServedAssets() };
  const server = createServer(answering(served, onError));
  await listen(server, host, port);
  return runServer(server, host, signal);
}

function answering(
  served: Served,
  onError: (error: unknown) => void,
): Parameters<typeof createServer>[1] & object {
  return (request, response) => {
    answer(served, request, response).catch((error: unknown) => {
      onError(error);
      if (response.headersSent) response.destroy();
      else sendText(response, 500, "This could not be answered; whoever started the server sees why.");
    });
  };
}

function runServer(server: Server, host: string, signal: AbortSignal | undefined): RunServer {
  const closed = new Promise<void>((done) => server.once("close", done));
  const close = () => {
    server.close();
    server.closeAllConnections();
    return closed;
  };
  signal?.addEventListener("abort", close, { once: true });
  if (signal?.aborted) close();
  const { port } = server.address() as AddressInfo;
  return { address: addressOf(host, port), closed, close, [Symbol.asyncDispose]: close };
}

function checkPort(port: number | undefined): void {
  if (port === undefined || (Number.isInteger(port) && port >= 0 && port <= 65_535)) return;
  throw new ArgumentError(`port: expected a whole number from 0 to 65535, received ${received(port)}`);
}

async function listen(server: Server, host: string, port: number | undefined): Promise<void> {
  try {
    await listenAt(server, host, port ?? DEFAULT_PORT);
  } catch (error) {
    const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
    if (port === undefined && isTaken) return listen(server, host, 0);
    throw cannotListen({ host, port: port ?? DEFAULT_PORT, error: error as NodeJS.ErrnoException });
  }
}

function listenAt(server: Server, host: string, port: number): Promise<void> {
  return new Promise((done, failed) => {
    server.once("error", failed);
    server.listen({ host: host.replace(/^\[(.*)\]$/, "$1"), port }, () => {
      server.off("error", failed);
      done();
    });
  });
}

interface Refusal {
  readonly host: string;
  readonly port: number;
  readonly error: NodeJS.ErrnoException;
}

function cannotListen({ host, port, error }: Refusal): ArgumentError {
  const options = { hint: "another port: --port N; a free one: --port 0", cause: error };
  if (error.code === "EADDRINUSE") {
    return new ArgumentError(
      `port: expected a free one, received ${port}, which another program on ${host} has`,
      options,
    );
  }
  if (error.code === "EACCES") {
    return new ArgumentError(`port: expected one that you may open, received ${port}`, options);
  }
  return new ArgumentError(`host: expected an address of this machine, received ${host}: ${error.message}`, {
    hint: `${DEFAULT_HOST}: this machine alone; 0.0.0.0: all its addresses`,
    cause: error,
  });
}
