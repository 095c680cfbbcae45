/** Under which names a server may be asked. */
import { isIP } from "node:net";
import { hostname } from "node:os";

/** All addresses of the machine. */
const WILDCARDS = ["0.0.0.0", "::"];

/** Whether only this machine reaches it. */
export function isLoopback(host: string): boolean {
  const name = bare(host);
  return (
    name === "localhost" || name.endsWith(".localhost") || name === "::1" || /^127\.\d+\.\d+\.\d+$/.test(name)
  );
}

/**
 * Whether a request's Host header names the server itself. A page from elsewhere can make its own name point here (DNS
 * rebinding), and would then read what we answer; its requests still carry that name. Ports may differ: tunnels change them.
 */
export function isOurs(header: string | undefined, host: string): boolean {
  const name = nameIn(header);
  if (name === null) return false;
  if (isLoopback(name) || name === bare(host)) return true;
  // An address as such is no name that could be pointed elsewhere.
  return WILDCARDS.includes(bare(host)) && (isIP(name) !== 0 || name === hostname().toLowerCase());
}

/** `http://127.0.0.1:6106/`, one that a browser on this machine can open. */
export function addressOf(host: string, port: number): string {
  const name = WILDCARDS.includes(bare(host)) ? "127.0.0.1" : bare(host);
  return `http://${isIP(name) === 6 ? `[${name}]` : name}:${port}/`;
}

function nameIn(header: string | undefined): string | null {
  if (header === undefined || !URL.canParse(`http://${header}/`)) return null;
  const { hostname: name, username, pathname } = new URL(`http://${header}/`);
  return username === "" && pathname === "/" ? bare(name) : null;
}

/** Without the brackets of an IPv6 address. */
function bare(host: string): string {
  return host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
}
