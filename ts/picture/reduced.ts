/** A sheet that was put together, made smaller. */
import sharp, { type Sharp } from "sharp";

/** At most `width` pixels wide. In a second pass: sharp resizes before it puts pictures onto each other. */
export async function reduced(sheet: Sharp, width: number): Promise<Sharp> {
  const { data, info } = await sheet.raw().toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: info.channels };
  return sharp(data, { raw }).resize({ width, withoutEnlargement: true });
}
