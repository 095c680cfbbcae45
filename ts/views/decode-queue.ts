/** Bounds how much work goes on at once; the rest waits in order. */

/** Runs a task as soon as there is room for it. */
export type Queue = <T>(task: () => Promise<T>) => Promise<T>;

/** At most `width` tasks at once. Once `signal` is aborted, tasks that wait are refused with its reason. */
export function queue(width: number, signal?: AbortSignal): Queue {
  const waiting: (() => void)[] = [];
  let running = 0;
  const enter = () => {
    if (running === width) return new Promise<void>((admitted) => waiting.push(admitted));
    running++;
    return undefined;
  };
  // A place is handed over, never free for a moment in which a third task could take it.
  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  };
  return async (task) => {
    await enter();
    try {
      signal?.throwIfAborted();
      return await task();
    } finally {
      leave();
    }
  };
}

/** Images in work for each thread: while some are read, or their recipes are made, the threads have others. */
const IN_WORK = 4;

/** For images that so many threads decode and render. */
export function imageQueue(threads: number, signal?: AbortSignal): Queue {
  return queue(IN_WORK * threads, signal);
}
