/** What training images can lie in. */

/** Kinds of what one path can be. */
export const PATH_KINDS = ["class-folders", "flat-folder", "list", "shards"] as const;

export type PathKind = (typeof PATH_KINDS)[number];

/** Kinds of a source of images: of one path, or of several that are mixed. */
export type SourceKind = PathKind | "mixture";
