/** A promise whose failure waits until somebody asks for its value, and does not end the process before. */
export function heldBack<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
