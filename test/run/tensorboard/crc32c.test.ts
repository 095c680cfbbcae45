import { expect, test } from "vitest";
import { crc32c, maskedCrc32c } from "../../../ts/run/tensorboard/crc32c.js";

test.each([
  ["", 0],
  ["123456789", 0xe3069283],
  ["\0".repeat(32), 0x8a9136aa],
])("the checksum of %j is that of RFC 3720 and of the catalogue of checksums", (text, expected) => {
  expect(crc32c(Buffer.from(text))).toBe(expected);
});

test("a mask can be taken off again", () => {
  const masked = maskedCrc32c(Buffer.from("123456789"));
  const turned = (masked - 0xa282ead8) >>> 0;
  expect(((turned >>> 17) | (turned << 15)) >>> 0).toBe(0xe3069283);
});
