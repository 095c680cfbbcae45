/** What the page of a report is drawn with: uPlot, and the scripts and style in `assets/report`. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { packageRoot } from "../native/package-root.js";

export interface PageAssets {
  readonly plotScript: string;
  readonly plotStyle: string;
  /** The choice of colours. */
  readonly themeScript: string;
  readonly pageScript: string;
  readonly pageStyle: string;
}

export async function readPageAssets(): Promise<PageAssets> {
  const plots = dirname(createRequire(import.meta.url).resolve("uplot/dist/uPlot.iife.min.js"));
  const own = join(packageRoot, "assets", "report");
  return {
    plotScript: await read(plots, "uPlot.iife.min.js"),
    plotStyle: await read(plots, "uPlot.min.css"),
    themeScript: await read(own, "theme.js"),
    pageScript: await read(own, "page.js"),
    pageStyle: await read(own, "page.css"),
  };
}

function read(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), "utf8");
}
