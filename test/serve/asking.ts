/** Requests as they stand: nothing in them is set right before it is sent. */
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function ask(address: string, path: string, asking: Asking = {}): Promise<Answer> {
  const message = await open(address, path, asking);
  let text = "";
  for await (const piece of message.setEncoding("utf8")) text += piece;
  return { status: message.statusCode ?? 0, headers: message.headers, text };
}

/** All that a server answers to these bytes. */
export function askBytes(address: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = "";
    socket.setEncoding("latin1").on("data", (piece) => {
      text += piece;
    });
    socket.on("error", reject).on("close", () => resolve(text));
    socket.end(bytes, "latin1");
  });
}

export interface ServerEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

/** Events as they come, until nobody reads on. */
export async function* eventsOf(
  address: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): AsyncGenerator<ServerEvent> {
  const message = await open(address, path, { headers });
  let text = "";
  for await (const piece of message.setEncoding("utf8")) {
    const blocks = (text + piece).split("\n\n");
    text = blocks.pop() ?? "";
    yield* blocks.flatMap(eventIn);
  }
}

function eventIn(block: string): ServerEvent[] {
  const fields = new Map(
    block
      .split("\n")
      .map((line): [string, string] => [line.split(": ", 1)[0] ?? "", line.slice(line.indexOf(": ") + 2)]),
  );
  const [event, data] = [fields.get("event"), fields.get("data")];
  return event === undefined || data === undefined
    ? []
    : [{ event, id: fields.get("id"), data: JSON.parse(data) }];
}

function open(
  address: string,
  path: string,
  { method = "GET", headers = {} }: Asking,
): Promise<IncomingMessage> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, method, headers }, resolve).on("error", reject).end();
  });
}
