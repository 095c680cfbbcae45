/** The format of a picture, as the name of its file asks for it. */
import { extname } from "node:path";
import type { OutputInfo, Sharp } from "sharp";
import { ArgumentError, received } from "../errors.js";

export type Encode = (picture: Sharp) => Promise<{ readonly data: Buffer; readonly info: OutputInfo }>;

/** Throws ArgumentError, as does what it gives: where the name has another ending, where the format has no room. */
export function encoderOf(option: string, file: string): Encode {
  const format = formatOf(option, file);
  return async (picture) => {
    try {
      return await format(picture).toBuffer({ resolveWithObject: true });
    } catch (cause) {
      if (!(cause instanceof Error && /too large for the \w+ format/i.test(cause.message))) throw cause;
      throw new ArgumentError(`${option} ${file}: the picture is too large for this format`, {
        hint: "write a .png, or show fewer images",
        cause,
      });
    }
  };
}

function formatOf(option: string, file: string): (picture: Sharp) => Sharp {
  switch (extname(file).toLowerCase()) {
    case ".png":
      return (picture) => picture.png();
    case ".jpg":
    case ".jpeg":
      return (picture) => picture.jpeg({ quality: 92, chromaSubsampling: "4:4:4" });
    case ".webp":
      return (picture) => picture.webp({ quality: 92 });
    default:
      throw new ArgumentError(
        `${option}: expected a name that ends in .png, .jpg or .webp, received ${received(file)}`,
        { hint: `for example ${option} preview.png` },
      );
  }
}
