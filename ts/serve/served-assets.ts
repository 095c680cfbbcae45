/** What served pages are drawn and kept up to date with: the report's own, Idiomorph, and the scripts in `assets/serve`. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { packageRoot } from "../native/package-root.js";
import { readPageAssets } from "../report/page-assets.js";

/** Texts of CSS and JavaScript, in their order. */
export interface PageFiles {
  readonly styles: readonly string[];
  readonly scripts: readonly string[];
}

export interface ServedAssets {
  /** The table of all runs. */
  readonly table: PageFiles;
  /** Runs side by side. */
  readonly runs: PageFiles;
  /** What could not be shown. */
  readonly problem: PageFiles;
}

export async function readServedAssets(): Promise<ServedAssets> {
  const { plotScript, plotStyle, pageScript, pageStyle, themeScript } = await readPageAssets();
  const morphScript = await readFile(
    createRequire(import.meta.url).resolve("idiomorph/dist/idiomorph.min.js"),
    "utf8",
  );
  const [style, connection, table, runs] = (await Promise.all(
    ["serve.css", "connection.js", "table.js", "runs.js"].map((name) =>
      readFile(join(packageRoot, "assets", "serve", name), "utf8"),
    ),
  )) as [string, string, string, string];
  return {
    table: { styles: [pageStyle, style], scripts: [themeScript, connection, table] },
    runs: {
      styles: [plotStyle, pageStyle, style],
      scripts: [plotScript, morphScript, themeScript, pageScript, connection, runs],
    },
    problem: { styles: [pageStyle, style], scripts: [themeScript] },
  };
}
