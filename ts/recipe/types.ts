/** A box of whole pixels of a decoded image: rows `top … top + height - 1`, columns `left … left + width - 1`. */
export interface PixelBox {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * A crop's place in its image as `(top, left, bottom, right)`, normalised by `height - 1` and `width - 1`
 * (spec/method.md section 2). A flipped crop has `right < left`.
 */
export type CropCoordinates = readonly [top: number, left: number, bottom: number, right: number];

/** One operation of a colour jitter; a recipe lists them in the order in which they are applied. */
export type JitterStep =
  | { readonly kind: "brightness"; readonly factor: number }
  | { readonly kind: "contrast"; readonly factor: number }
  | { readonly kind: "saturation"; readonly factor: number }
  /** Shift of the hue as a fraction of the colour circle, in [-0.5, 0.5]. */
  | { readonly kind: "hue"; readonly shift: number };

/** All that the executor needs to make one view of a decoded image; nothing random is left in it. */
export interface ViewRecipe {
  readonly crop: PixelBox;
  /** Side of the square view in pixels. */
  readonly size: number;
  readonly flipped: boolean;
  /** Empty: no jitter. */
  readonly jitter: readonly JitterStep[];
  readonly grayscale: boolean;
  /** Radius of PIL's GaussianBlur; 0: none. */
  readonly blurRadius: number;
  /** Values at or above it are inverted; null: not solarised. */
  readonly solarizeThreshold: number | null;
}

/** How values between pixels are found. */
export type Interpolation = "bilinear" | "bicubic";

/** One operation of RandAugment, on a whole image, with its number; nothing random is left in it. */
export type Augmentation =
  | { readonly kind: "autoContrast" | "equalize" | "invert" }
  | {
      /**
       * In this order: bits kept, from 0 to 8; values from there on are inverted, up to 256; added to values below 128; and
       * factors, of which 1 leaves the image as it is.
       */
      readonly kind:
        | "posterize"
        | "solarize"
        | "solarizeAdd"
        | "brightness"
        | "contrast"
        | "saturation"
        | "sharpness";
      readonly amount: number;
    }
  | {
      /** Degrees counter-clockwise; share of the distance to the top or left; pixels. */
      readonly kind: "rotate" | "shearX" | "shearY" | "translateX" | "translateY";
      readonly amount: number;
      readonly interpolation: Interpolation;
    };

/** All that makes one view to train a classifier on; the fields are in the order of the work. */
export interface AugmentedRecipe {
  readonly flipped: boolean;
  readonly augmentations: readonly Augmentation[];
  /** RGB of what an operation brings in from outside the image. */
  readonly fill: readonly [red: number, green: number, blue: number];
  /** Of the image as it then is. */
  readonly crop: PixelBox;
  /** Side of the square view in pixels. */
  readonly size: number;
}

/** `const`: zeros, the mean of all images; `rand`: one colour of normal noise; `pixel`: normal noise in every value. */
export type ErasingMode = "const" | "rand" | "pixel";

/** A box of a view that is written over once its pixels are normalised. */
export interface Erasure {
  readonly place: PixelBox;
  readonly mode: ErasingMode;
  /** Of the noise; below 2^53. */
  readonly seed: number;
}

/** Source samples of one pair: the token of each sample row in the student's crop; -1 where the row holds no valid sample. */
export type SourceTokens = Int32Array; // [s]

/** Target samples of one pair: four bilinear neighbours of each sample row; weights are 0 where the row holds no valid sample. */
export interface TargetWeights {
  readonly tokens: Int32Array; // [s, 4]
  readonly weights: Float32Array; // [s, 4]
}

/** Sparse sampling maps of one image (spec/method.md section 3). */
export interface ImageMaps {
  /** Pairs (g1 -> g2), (g2 -> g1). */
  readonly globalSource: readonly [SourceTokens, SourceTokens];
  readonly globalTarget: readonly [TargetWeights, TargetWeights];
  /** For each local crop l: (l -> g2), (l -> g1): 2 L entries. */
  readonly localTarget: readonly TargetWeights[];
}

/** Everything decided about one image of a batch: its views and their maps. */
export interface ImageRecipe {
  /** g1 (student crop), g2 (teacher crop). */
  readonly globals: readonly [ViewRecipe, ViewRecipe];
  readonly locals: readonly ViewRecipe[];
  /** Null where the model has no patch level. */
  readonly maps: ImageMaps | null;
}
