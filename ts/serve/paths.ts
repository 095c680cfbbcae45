/** Paths that are answered, each as it stands. */
export const PATHS = {
  table: "/",
  tableEvents: "/events",
  runs: "/runs",
  runsEvents: "/runs/events",
  picture: "/picture",
} as const;
