/** The size of a JPEG image, from its header alone. */

export interface JpegSize {
  readonly width: number;
  readonly height: number;
}

const MARKER = 0xff;
const START_OF_SCAN = 0xda;

export function isJpeg(bytes: Buffer): boolean {
  return bytes[0] === MARKER && bytes[1] === 0xd8 && bytes[2] === MARKER;
}

/** Null where no frame begins before the first scan. */
export function jpegSize(bytes: Buffer): JpegSize | null {
  for (let at = 2; at + 9 <= bytes.length; ) {
    if (bytes[at] !== MARKER) return null;
    const kind = bytes[at + 1] as number;
    if (beginsFrame(kind)) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    if (kind === START_OF_SCAN) return null;
    // Any number of 0xff may stand before a marker.
    at += kind === MARKER ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
}

/** SOF0 to SOF15, among which DHT, JPG and DAC have their numbers. */
function beginsFrame(kind: number): boolean {
  return kind >= 0xc0 && kind <= 0xcf && kind !== 0xc4 && kind !== 0xc8 && kind !== 0xcc;
}
