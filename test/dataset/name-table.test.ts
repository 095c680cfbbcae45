import fc from "fast-check";
import { expect, test } from "vitest";
import { joinedTables, nameAt, nameTable } from "../../ts/dataset/name-table.js";

test("names come out as they went in, whatever they are made of and however they were joined", () => {
  const text = fc.string({ unit: "binary", maxLength: 300 });
  const name = fc.oneof(
    text,
    text.map((rest) => `\uFEFF${rest}`),
  );
  fc.assert(
    fc.property(fc.array(fc.array(name)), (lists) => {
      const table = joinedTables(lists.map(nameTable));
      const names = Array.from({ length: table.ends.length }, (_, index) => nameAt(table, index));
      expect(names).toEqual(lists.flat());
      for (const index of [-1, 0.5, names.length]) expect(() => nameAt(table, index)).toThrow(RangeError);
    }),
  );
});
