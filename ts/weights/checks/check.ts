/** One thing that was looked at. */

export interface Check {
  /** File or folder, seen from what is verified. */
  readonly part: string;
  /** What was asked of it. */
  readonly name: string;
  readonly outcome: "good" | "damaged" | "skipped";
  /** Why so, where there is more to say. */
  readonly detail: string;
}

/** Damaged, with the error's words, where `look` throws; else good, with the detail that it returns. */
export function attempt(part: string, name: string, look: () => string): Check {
  try {
    return { part, name, outcome: "good", detail: look() };
  } catch (error) {
    return damaged(part, name, error);
  }
}

/** Like `attempt`, for what takes time. */
export async function attemptSlowly(part: string, name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { part, name, outcome: "good", detail: await look() };
  } catch (error) {
    return damaged(part, name, error);
  }
}

function damaged(part: string, name: string, error: unknown): Check {
  const detail = error instanceof Error ? error.message : String(error);
  return { part, name, outcome: "damaged", detail };
}
