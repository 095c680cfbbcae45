/** A real Chromium without a window. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const USUAL = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** `UDI_TEST_BROWSER`, or one in a usual place; null: there is none. */
export const testBrowser: string | null = process.env.UDI_TEST_BROWSER ?? USUAL.find(existsSync) ?? null;

const REASON = "skipped: no Chromium; apt-get install chromium, or set UDI_TEST_BROWSER";

/** Goes into the names of tests that cannot be run without it. */
export const browserNote: string = testBrowser === null ? ` [${REASON}]` : "";

// Not every reporter shows the names of skipped tests.
if (testBrowser === null) console.warn(`tests in a browser are ${REASON}`);

/** Without its sandbox, which a container does not permit: it opens nothing but our own files. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: testBrowser ?? "", args: ["--no-sandbox"] });
}
