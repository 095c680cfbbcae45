/** Bounds the memory of the decoded images that are alive at once, whatever their sizes. */

/** Waits until there is room for so many bytes; disposing of what it gives makes room for others. */
export type Room = (bytes: number) => Promise<Disposable>;

/** Room for `limit` bytes in all, given in the order of asking; what is larger than all of it is let in alone. */
export function memoryRoom(limit: number): Room {
  const waiting: { readonly bytes: number; readonly admit: () => void }[] = [];
  let used = 0;
  const fits = (bytes: number) => used === 0 || used + bytes <= limit;
  const admitWaiting = () => {
    for (let next = waiting[0]; next !== undefined && fits(next.bytes); next = waiting[0]) {
      waiting.shift();
      used += next.bytes;
      next.admit();
    }
  };
  return async (bytes) => {
    await new Promise<void>((admit) => {
      waiting.push({ bytes, admit });
      admitWaiting();
    });
    let held = bytes;
    return {
      [Symbol.dispose]() {
        used -= held;
        held = 0;
        admitWaiting();
      },
    };
  };
}
