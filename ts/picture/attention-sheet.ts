/** All that is drawn of one image, on one sheet. */
import sharp, { type Sharp } from "sharp";
import { type AttendedImage, type DrawingStyle, heatMaps, masks, type Picture } from "./attended-image.js";
import { pictureTable, type TitledPicture } from "./picture-table.js";

/** About the longer side of a picture. */
const SIDE = 240;

/**
 * A row for each class token and kind of picture; at the left the image and its patch features. `facts`: a line under the
 * name. Encodes nothing yet: the caller chooses a format.
 */
export async function attentionSheet(
  attended: AttendedImage,
  style: DrawingStyle,
  facts: string,
): Promise<Sharp> {
  const image = await shown(attended);
  const { height, width } = image;
  const features = attended.patches.map(({ caption, paint }) => ({
    height,
    width,
    pixels: paint({ height, width }),
    title: caption,
  }));
  const left = [titled(image, "image"), ...features];
  const rows: TitledPicture[][] = [];
  for (const query of attended.queries) {
    const maps = await heatMaps(query, image, style);
    const overlays = await masks(query, image, style);
    rows.push(maps.map((map) => titled(map, `${query.query} ${map.caption}`)));
    rows.push(overlays.map((map) => titled(map, `${query.query} ${map.caption}, mask`)));
  }
  const filled = rows.filter((row) => row.length > 0);
  return pictureTable({ title: attended.name, facts, left, rows: filled });
}

function titled({ height, width, pixels }: Picture, title: string): TitledPicture {
  return { height, width, pixels, title };
}

/** The image in a size in which each patch is a whole number of pixels. */
async function shown({ image, queries }: AttendedImage): Promise<Picture> {
  const { rows, columns } = queries[0]?.heads[0] ?? { rows: image.height, columns: image.width };
  const scale = Math.max(1, Math.round(SIDE / Math.max(rows, columns)));
  const [height, width] = [rows * scale, columns * scale];
  const raw = { height: image.height, width: image.width, channels: 3 as const };
  const resized = sharp(image.pixels, { raw }).resize(width, height, { fit: "fill", kernel: "lanczos3" });
  return { height, width, pixels: await resized.raw().toBuffer() };
}
