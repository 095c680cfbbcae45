/** The named architectures (spec/method.md section 1). */

export const ARCHITECTURES = ["vit_tiny", "vit_small", "vit_base", "vit_large"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export interface ArchitectureShape {
  /** Embedding dimension C. */
  readonly width: number;
  /** Number of blocks. */
  readonly depth: number;
  readonly heads: number;
  /** Hidden width of a block's MLP divided by C. */
  readonly mlpRatio: number;
}

const SHAPES: Readonly<Record<Architecture, ArchitectureShape>> = {
  vit_tiny: { width: 192, depth: 12, heads: 3, mlpRatio: 4 },
  vit_small: { width: 384, depth: 12, heads: 6, mlpRatio: 4 },
  vit_base: { width: 768, depth: 12, heads: 12, mlpRatio: 4 },
  vit_large: { width: 1024, depth: 24, heads: 16, mlpRatio: 4 },
};

/** The published shape of a named architecture. */
export function architectureShape(arch: Architecture): ArchitectureShape {
  return SHAPES[arch];
}
