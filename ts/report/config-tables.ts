/** What runs were configured with, and where that differs. */
import { loadConfig } from "../config/load.js";
import { valueText } from "../number-text.js";
import { type FlatConfig, flatConfig } from "../run/config-change.js";
import { type Html, html } from "./html.js";
import type { RunFacts } from "./run-facts.js";
import { tableHtml } from "./tables.js";

export function configurationHtml(runs: readonly RunFacts[]): Html {
  const configs = runs.map(({ config }) => config);
  const keys = [...new Set(configs.flatMap((config) => Object.keys(config)))];
  const all = {
    caption: "All keys, in the order of configs/defaults.yaml",
    rows: keys.map((key) => [keyName(key), ...configs.map((config) => valueText(config[key]))]),
  };
  return html`${differences(runs, keys)}
<details><summary>All ${keys.length} keys</summary>${tableHtml({ ...all, heads: ["key", ...names(runs)] })}</details>`;
}

/** Between the runs, or of a single one from the defaults. */
function differences(runs: readonly RunFacts[], keys: readonly string[]): Html {
  const configs = runs.map(({ config }) => config);
  const single = configs.length === 1;
  const compared = single ? [flatConfig(loadConfig({ file: "defaults" })), ...configs] : configs;
  const differing = keys.filter(
    (key) => differs(key, compared) && !(single && compared[0]?.[key] === "auto"),
  );
  if (differing.length === 0) return html`<p>No key differs.</p>`;
  return tableHtml({
    caption: single ? "Keys that differ from the defaults" : "Keys that differ between the runs",
    heads: ["key", ...(single ? ["default"] : []), ...names(runs)],
    rows: differing.map((key) => [keyName(key), ...compared.map((config) => valueText(config[key]))]),
  });
}

function differs(key: string, configs: readonly FlatConfig[]): boolean {
  return new Set(configs.map((config) => JSON.stringify(config[key]))).size > 1;
}

function names(runs: readonly RunFacts[]): string[] {
  return runs.map(({ summary }) => summary.name);
}

/** On a narrow screen a line may break after a dot. */
function keyName(key: string): Html {
  return html`${key.split(".").map((part, place) => (place === 0 ? part : html`.<wbr>${part}`))}`;
}
