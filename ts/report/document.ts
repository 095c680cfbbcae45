/** An HTML document that runs no scripts but those given and fetches nothing from elsewhere. */
import { createHash } from "node:crypto";
import { type Content, Html, html, jsonScript } from "./html.js";

export interface DocumentParts {
  readonly title: string;
  readonly body: Content;
  /** Texts of CSS and JavaScript, in their order. */
  readonly styles: readonly string[];
  readonly scripts: readonly string[];
  /** What the scripts find as JSON in the element `data`. */
  readonly data: unknown;
  /** Whether the scripts may ask the server that the document came from; a file has none. */
  readonly served: boolean;
}

export function documentText({ title, body, styles, scripts, data, served }: DocumentParts): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy({ scripts, served })}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – udi-native</title>
${served ? NO_ICON : null}<style>${styles.map((style) => new Html(style))}</style>
</head>
<body>
${body}
<script type="application/json" id="data">${jsonScript(data)}</script>
${scripts.map((script) => new Html(`<script>${script}</script>\n`))}</body>
</html>
`.text;
}

/** Browsers ask servers for one. */
const NO_ICON = html`<link rel="icon" href="data:,">
`;

/** The choice of colours, for a page's head; the script of it is in `assets/report/theme.js`. */
export const THEME_CHOICE = html`<label class="choice">Colours <select id="theme"><option value="">as the system</option><option value="light">light</option><option value="dark">dark</option></select></label>`;

/**
 * Scripts by their hashes, pictures that stand in the document or come from its server; styles also of elements, where the plots place themselves.
 */
export function contentPolicy({ scripts, served }: Pick<DocumentParts, "scripts" | "served">): string {
  const hashes = scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  const self = served ? "'self'" : "'none'";
  return [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `img-src data: ${served ? "'self'" : ""}`.trim(),
    `script-src ${hashes.join(" ") || "'none'"}`,
    `connect-src ${self}`,
    `form-action ${self}`,
    "base-uri 'none'",
  ].join("; ");
}
