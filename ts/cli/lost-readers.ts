/** What becomes of output that nobody reads any more: `udi-native runs | head -3`, a pager that was left, a closed terminal. */

/** From now on what is written to a reader who has left is dropped, and the work goes on. */
export function outliveReaders(streams: readonly NodeJS.WriteStream[]): void {
  for (const stream of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}
