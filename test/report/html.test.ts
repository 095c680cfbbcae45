import fc from "fast-check";
import { expect, test } from "vitest";
import { Html, html, jsonScript } from "../../ts/report/html.js";

test("text that is put in can make no element, attribute or entity", () => {
  const property = fc.property(
    fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "a", "/") }),
    (text) => {
      const inserted = html`<td title="${text}">${text}</td>`.text;
      const inner = inserted.slice('<td title="'.length, -"</td>".length);
      expect(inner.replace('">', "")).not.toMatch(/[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)/);
    },
  );
  fc.assert(property);
});

test("lists are joined, null is nothing, HTML stays HTML", () => {
  expect(html`<ul>${[html`<li>${1}</li>`, null, "<"]}</ul>`.text).toBe("<ul><li>1</li>&lt;</ul>");
  expect(html`${new Html("<b>")}`.text).toBe("<b>");
});

test("data in a script element come back as they were and cannot end it", () => {
  const property = fc.property(fc.jsonValue(), (value) => {
    const { text } = jsonScript([value, "</script><!--<script>"]);
    expect(text).not.toContain("<");
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify([value, "</script><!--<script>"])));
  });
  fc.assert(property);
});
