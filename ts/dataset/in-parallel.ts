/** Waiting for many files at once: on a network file system the waits add up. */

/** More than libuv's threads, so that none of them waits for JavaScript. */
const WIDTH = 32;

/** The results in the order of the items. The first failure is thrown once all that was begun has ended. */
export async function inParallel<T, R>(
  items: readonly T[],
  action: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const stop = (error: unknown): never => {
    next = items.length;
    throw error;
  };
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await action(items[index] as T, index).catch(stop);
    }
  };
  const workers = Array.from({ length: Math.min(WIDTH, items.length) }, worker);
  const outcomes = await Promise.allSettled(workers);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results;
}
