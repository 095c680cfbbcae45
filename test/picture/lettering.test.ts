import fc from "fast-check";
import { expect, test } from "vitest";
import { fitted, lettering, textWidth } from "../../ts/picture/lettering.js";

const at = { x: 0, y: 20, size: 16, colour: "#000" };

test("letters are paths; what the font lacks becomes a question mark", () => {
  expect(lettering({ ...at, text: "ab" })).toMatch(/^<path fill="#000" d="M[\d. MLQCZz-]+"\/>$/);
  expect(lettering({ ...at, text: "\u96e8" })).toBe(lettering({ ...at, text: "?" }));
});

test("the anchor says where the text lies", () => {
  const width = textWidth("wide", 16);
  const moved = (x: number) => lettering({ ...at, text: "wide", x });
  expect(lettering({ ...at, text: "wide", x: 100, anchor: "end" })).toBe(moved(100 - width));
  expect(lettering({ ...at, text: "wide", x: 100, anchor: "middle" })).toBe(moved(100 - width / 2));
});

test("a fitted text is never wider than its room, and whole where there is room", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), fc.integer({ min: 0, max: 400 }), (text, room) => {
      const shown = fitted(text, 12, room);
      expect(textWidth(shown, 12)).toBeLessThanOrEqual(room);
      if (textWidth(text, 12) <= room) expect(shown).toBe(text);
    }),
  );
});

test("what is cut out of a text is its middle", () => {
  expect(fitted("photographs/of/the/mountains/in/winter.jpg", 12, 120)).toMatch(/^photo.*\.\.\..*\.jpg$/);
});
