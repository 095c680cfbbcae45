/** Answers of a kind, with the headers that protect whoever reads them. */
import type { ServerResponse } from "node:http";
import { contentPolicy } from "../report/document.js";
import type { PageFiles } from "./served-assets.js";

/** Nothing is kept, framed, guessed or told to others. */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

/** For every answer, before anything else is done with it. */
export function protect(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}

export function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, { type: "text/plain; charset=utf-8", content: Buffer.from(`${text}\n`) });
}

/** A document, in which the scripts run that it was made with and no others. */
export function sendPage(
  response: ServerResponse,
  status: number,
  text: string,
  { scripts }: Pick<PageFiles, "scripts">,
): void {
  const policy = `${contentPolicy({ scripts, served: true })}; frame-ancestors 'none'`;
  response.setHeader("content-security-policy", policy);
  send(response, status, { type: "text/html; charset=utf-8", content: Buffer.from(text) });
}

/** `content`: of a WebP file. */
export function sendPicture(response: ServerResponse, content: Buffer): void {
  send(response, 200, { type: "image/webp", content });
}

interface Sent {
  readonly type: string;
  readonly content: Buffer;
}

/** For HEAD, node leaves the content away. */
function send(response: ServerResponse, status: number, { type, content }: Sent): void {
  response.writeHead(status, { "content-type": type, "content-length": content.length });
  response.end(content);
}
