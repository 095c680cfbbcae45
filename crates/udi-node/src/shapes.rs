//! What crosses the seam, as JavaScript sees it. The public types with their units and ranges are
//! `ts/native/types.ts` and `ts/recipe/types.ts`; these are the same numbers, already checked for their kind.

use std::collections::BTreeMap;

use napi::{
    Either,
    bindgen_prelude::{
        Float32Array, Float32ArraySlice, Float64Array, Int32ArraySlice, Uint8ArraySlice,
    },
};
use napi_derive::napi;

/// A Vision Transformer with its sampling module and projection head.
#[napi(object, object_to_js = false)]
pub struct ModelOptions {
    /// Embedding dimension C.
    pub width: u32,
    /// Number of blocks.
    pub depth: u32,
    /// Attention heads of a block.
    pub heads: u32,
    /// Hidden width of a block's MLP divided by C.
    pub mlp_ratio: f64,
    /// Side of a patch in pixels.
    pub patch_size: u32,
    /// Side in pixels of the image for which positions are stored.
    pub image_size: u32,
    /// Class tokens in front.
    pub class_tokens: u32,
    /// Whether the patch level exists.
    pub include_patch: bool,
    /// Heads of the sampling attention.
    pub srs_heads: u32,
    /// Stochastic depth rate of the last block.
    pub drop_path_rate: f64,
    /// Keep only the input of each block of the student and compute the rest again in the backward pass.
    pub checkpoint_blocks: bool,
    /// The projection head.
    pub head: HeadOptions,
}

/// The projection head.
#[napi(object, object_to_js = false)]
pub struct HeadOptions {
    /// Number of prototypes D.
    pub prototypes: u32,
    /// Width of the hidden layers.
    pub hidden_width: u32,
    /// Width of the vector that is compared with the prototypes.
    pub bottleneck_width: u32,
    /// BatchNorm1d after the hidden layers.
    pub batch_norm: bool,
    /// Keep the prototypes' norms at 1.
    pub norm_last_layer: bool,
}

/// Targets and loss.
#[napi(object, object_to_js = false)]
pub struct ObjectiveOptions {
    /// Weight of the pooled patch logits in the `cls+` target.
    pub alpha: f64,
    /// Temperature of the student's softmax.
    pub student_temperature: f64,
    /// Share of the old centre kept at each update.
    pub center_momentum: f64,
}

/// The optimiser.
#[napi(object, object_to_js = false)]
pub struct OptimizerOptions {
    /// Which rule.
    #[napi(ts_type = "'adamw' | 'sgd' | 'lars'")]
    pub name: String,
    /// Largest norm of each tensor's gradient; 0: no clipping.
    pub clip_gradient: f64,
    /// Equal parts in which the images of a step go through the networks; 1: all at once.
    pub accumulate: u32,
    /// What an fp16 loss is multiplied by in the first step.
    pub loss_scale: f64,
}

/// Everything that makes an engine.
#[napi(object, object_to_js = false)]
pub struct NativeOptions {
    /// The network.
    pub model: ModelOptions,
    /// Targets and loss.
    pub objective: ObjectiveOptions,
    /// The optimiser.
    pub optimizer: OptimizerOptions,
    /// `cpu`, `cuda` or `cuda:1`.
    pub device: String,
    /// Number format of matrix products.
    #[napi(ts_type = "'fp32' | 'bf16' | 'fp16'")]
    pub precision: String,
    /// From 0 to 2^53 - 1.
    pub seed: i64,
    /// CPU threads of tensor operations; 0: libtorch's own choice.
    pub threads: u32,
}

/// Values of the schedules at one step.
#[napi(object, object_to_js = false)]
#[derive(Clone, Copy)]
pub struct ScheduleValues {
    /// Step size.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Share of the teacher kept by the moving average.
    pub momentum: f64,
    /// Temperature of the teacher's softmax.
    pub teacher_temperature: f64,
    /// Leave the prototypes without update.
    pub freeze_last_layer: bool,
}

/// Shape of a batch of views.
#[napi(object)]
#[derive(Clone, Copy)]
pub struct BatchShape {
    /// Number of images B.
    pub images: u32,
    /// Side G of the global views in pixels.
    pub global_size: u32,
    /// Number of local crops L.
    pub local_crops: u32,
    /// Side S of the local views in pixels.
    pub local_size: u32,
}

/// Pixels of views: RGB bytes, or normalised floats.
pub type Pixels<'env> = Either<Uint8ArraySlice<'env>, Float32ArraySlice<'env>>;

/// Target samples: `[pairs, B, s, 4]`.
#[napi(object, object_to_js = false)]
pub struct TargetSamples<'env> {
    /// Tokens of the target crop.
    pub tokens: Int32ArraySlice<'env>,
    /// Their weights.
    pub weights: Float32ArraySlice<'env>,
}

/// Sparse sampling maps of a batch.
#[napi(object, object_to_js = false)]
pub struct SamplingMaps<'env> {
    /// `[2, B, s_g]`
    pub global_source: Int32ArraySlice<'env>,
    /// `[2, B, s_g, 4]`
    pub global_target: TargetSamples<'env>,
    /// `[2 L, B, s_l, 4]`
    pub local_target: TargetSamples<'env>,
}

/// One batch of views in JavaScript's memory.
#[napi(object, object_to_js = false)]
pub struct MultiCropBatch<'env> {
    /// Its shape.
    pub shape: BatchShape,
    /// `[2, B, 3, G, G]`
    #[napi(ts_type = "Uint8Array | Float32Array")]
    pub global_views: Pixels<'env>,
    /// `[L, B, 3, S, S]`
    #[napi(ts_type = "Uint8Array | Float32Array")]
    pub local_views: Pixels<'env>,
    /// Absent where the model has no patch level.
    pub maps: Option<SamplingMaps<'env>>,
}

/// Views to embed.
#[napi(object, object_to_js = false)]
pub struct EvaluationViews<'env> {
    /// Number of views.
    pub images: u32,
    /// Their side in pixels.
    pub size: u32,
    /// `[images, 3, size, size]`
    #[napi(ts_type = "Uint8Array | Float32Array")]
    pub pixels: Pixels<'env>,
}

/// A frozen backbone: a network in a file of weights, and where it computes.
#[napi(object, object_to_js = false)]
pub struct EncoderOptions {
    /// Any file of weights.
    pub file: String,
    /// `student`, `teacher` or `backbone`.
    pub network: String,
    /// Attention heads of a block.
    pub heads: u32,
    /// `cpu`, `cuda` or `cuda:1`.
    pub device: String,
    /// `fp32`, `bf16` or `fp16`.
    pub precision: String,
    /// CPU threads; 0: libtorch's own choice.
    pub threads: u32,
}

/// Shape of a frozen backbone.
#[napi(object, object_from_js = false)]
#[derive(Clone, Copy)]
pub struct EncoderModel {
    /// Embedding dimension C.
    pub width: u32,
    /// Number of blocks.
    pub depth: u32,
    /// Attention heads of a block.
    pub heads: u32,
    /// Side of a patch in pixels.
    pub patch_size: u32,
    /// Side in pixels of the image for which positions are stored.
    pub image_size: u32,
    /// Class tokens in front.
    pub class_tokens: u32,
}

/// Images of one size.
#[napi(object, object_to_js = false)]
pub struct ImageBatch<'env> {
    /// Number of images.
    pub images: u32,
    /// In pixels.
    pub height: u32,
    /// In pixels.
    pub width: u32,
    /// `[images, 3, height, width]`
    #[napi(ts_type = "Uint8Array | Float32Array")]
    pub pixels: Pixels<'env>,
    /// Boxes that are written over; absent: none.
    pub erasures: Option<Vec<Erasure>>,
}

/// A box of an image that is written over once the pixels are normalised.
#[napi(object, object_to_js = false)]
pub struct Erasure {
    /// Index in the batch.
    pub image: u32,
    /// Where it is.
    pub place: PixelBox,
    /// Zeros, one colour of noise, or noise.
    #[napi(ts_type = "'const' | 'rand' | 'pixel'")]
    pub mode: String,
    /// Of the noise.
    pub seed: i64,
}

/// What one step measured.
#[napi(object, object_from_js = false)]
pub struct StepReport {
    /// Number of the step, counted from 1.
    pub step: i64,
    /// Mean of the levels' losses.
    pub loss: f64,
    /// Loss of each level.
    pub levels: BTreeMap<String, f64>,
    /// Cross-entropy terms.
    pub terms: BTreeMap<String, f64>,
    /// L2 norm of all gradients together.
    pub gradient_norm: f64,
    /// Whether the weights were left as they were.
    pub skipped: bool,
    /// Loss scale used.
    pub loss_scale: f64,
    /// Wall time on the engine thread.
    pub seconds: f64,
    /// Seconds by phase; empty unless they were asked for.
    pub phases: BTreeMap<String, f64>,
}

/// What the networks in training tell apart.
#[napi(object, object_from_js = false)]
pub struct InspectionReport {
    /// Number of images.
    pub images: u32,
    /// Of the teacher's features.
    pub effective_rank: f64,
    /// The smaller of images and width.
    pub largest_rank: u32,
    /// Standard deviation of normalised features times the root of the width.
    pub spread: f64,
    /// Of the teacher's mean distribution, in nats.
    pub entropy_of_mean: f64,
    /// Of its single distributions, in nats.
    pub mean_entropy: f64,
    /// ln D.
    pub largest_entropy: f64,
    /// Share of the prototypes that could be most probable.
    pub prototypes_used: f64,
    /// Share of images with the same most probable prototype.
    pub agreement: f64,
    /// Expected of independent choices.
    pub chance_agreement: f64,
    /// Of each level.
    pub center_norms: BTreeMap<String, f64>,
}

/// A state that was written.
#[napi(object, object_from_js = false)]
pub struct SavedState {
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Its length.
    pub bytes: i64,
    /// How long the engine was held up to copy it.
    pub copy_seconds: f64,
}

/// A tensor that holds values that are infinite or no number.
#[napi(object, object_from_js = false)]
pub struct NonFinite {
    /// Its name in the file.
    pub name: String,
    /// How many they are.
    pub count: i64,
}

/// A box of pixels inside an image.
#[napi(object, object_to_js = false)]
pub struct PixelBox {
    /// First row.
    pub top: u32,
    /// First column.
    pub left: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

/// One operation of a colour jitter.
#[napi(object, object_to_js = false)]
pub struct JitterStep {
    /// Which operation.
    #[napi(ts_type = "'brightness' | 'contrast' | 'saturation' | 'hue'")]
    pub kind: String,
    /// Its factor, or the shift of the hue.
    pub amount: f64,
}

/// All that makes one view of an image.
#[napi(object, object_to_js = false)]
pub struct ViewRecipe {
    /// What to cut out.
    pub crop: PixelBox,
    /// Side of the view in pixels.
    pub size: u32,
    /// Whether to mirror left and right.
    pub flipped: bool,
    /// Colour jitter, in order.
    pub jitter: Vec<JitterStep>,
    /// Whether to drop the colour.
    pub grayscale: bool,
    /// Radius of the blur; 0: none.
    pub blur_radius: f64,
    /// Values from here on are inverted, from 0 to 255; absent: none.
    pub solarize_threshold: Option<u32>,
}

/// One operation on a whole image.
#[napi(object, object_to_js = false)]
pub struct Augmentation {
    /// Which operation.
    pub kind: String,
    /// Its number: bits, threshold, summand, factor, degrees or pixels; 0 where it has none.
    pub amount: f64,
    /// How a warp finds values between pixels; absent: it is none.
    #[napi(ts_type = "'bilinear' | 'bicubic'")]
    pub interpolation: Option<String>,
}

/// All that makes one view of an augmented image.
#[napi(object, object_to_js = false)]
pub struct AugmentedRecipe {
    /// Whether to mirror left and right first.
    pub flipped: bool,
    /// What to do to the whole image, in order.
    pub augmentations: Vec<Augmentation>,
    /// RGB of what a warp brings in from outside.
    pub fill: Vec<u8>,
    /// What to cut out then.
    pub crop: PixelBox,
    /// Side of the view in pixels.
    pub size: u32,
}

/// The views of one image.
#[napi(object, object_to_js = false)]
pub struct ImageRecipe {
    /// g1, g2.
    pub globals: Vec<ViewRecipe>,
    /// L local views.
    pub locals: Vec<ViewRecipe>,
}

/// Sides of evaluation views in pixels.
#[napi(object, object_to_js = false)]
#[derive(Clone, Copy)]
pub struct EvaluationSize {
    /// The shorter side after resizing.
    pub resize_to: u32,
    /// Side of the centre crop.
    pub crop: u32,
}

/// Labelled features for the weighted nearest-neighbour vote.
#[napi(object, object_to_js = false)]
pub struct NeighbourVote<'env> {
    /// `[trainLabels.length, width]`
    pub train: Float32ArraySlice<'env>,
    /// Class of each train row.
    pub train_labels: Int32ArraySlice<'env>,
    /// `[testLabels.length, width]`; none: each train row is judged by the others.
    pub test: Option<Float32ArraySlice<'env>>,
    /// Class of each test row.
    pub test_labels: Option<Int32ArraySlice<'env>>,
    /// Dimension of a feature.
    pub width: u32,
    /// Number of classes.
    pub classes: u32,
    /// Numbers of neighbours.
    pub neighbours: Vec<u32>,
    /// Temperature of the vote.
    pub temperature: f64,
    /// `cpu`, `cuda` or `cuda:1`.
    pub device: String,
}

/// One setting of the vote.
#[napi(object, object_from_js = false)]
pub struct NeighbourScore {
    /// Number of neighbours.
    pub neighbours: u32,
    /// Share of test rows.
    pub top1: f64,
    /// Share of test rows.
    pub top5: f64,
}

/// Vectors whose principal components are wanted.
#[napi(object, object_to_js = false)]
pub struct ComponentsRequest<'env> {
    /// `[count, width]`
    pub vectors: Float32ArraySlice<'env>,
    /// Values of a vector.
    pub width: u32,
    /// Directions wanted.
    pub components: u32,
}

/// The directions in which vectors differ most.
#[napi(object, object_from_js = false)]
pub struct PrincipalComponents {
    /// `[width]`
    pub mean: Float64Array,
    /// `[components, width]`
    pub directions: Float64Array,
    /// Share of the variance along each.
    pub explained: Vec<f64>,
    /// `[components, count]`
    pub scores: Float32Array,
}

/// What the addon sees of the machine.
#[napi(object, object_from_js = false)]
pub struct Processors {
    /// Whether the CPU multiplies bfloat16 itself (AVX512-BF16).
    pub bf16: bool,
    /// Whether the CPU has AVX-512 (F, BW, DQ, VL), which libtorch's kernels ask for.
    pub avx512: bool,
    /// Number of CUDA devices that libtorch can use.
    pub cuda_devices: i64,
}

/// What a file of weights holds.
#[napi(object, object_from_js = false)]
pub struct WeightsFacts {
    /// How the file is laid out: `safetensors`, `torch zip`, `torch legacy`.
    pub format: String,
    /// Whose names it has: `udi-native`, `udi`, `dino`, `timm`.
    pub naming: String,
    /// Size of the file.
    pub bytes: i64,
    /// `student`, `teacher`, or `backbone` alone.
    pub networks: Vec<String>,
    /// Told from its tensors.
    pub shape: WeightsShape,
    /// Attention heads, where the file says so.
    pub heads: Option<u32>,
    /// Epochs trained.
    pub epoch: Option<i64>,
    /// Steps made.
    pub steps: Option<i64>,
    /// Arguments of the run, as JSON.
    pub arguments: Option<String>,
    /// The optimiser whose state is there.
    pub optimizer: Option<String>,
    /// Whether the prototypes' norms are left out of the training.
    pub norms_frozen: Option<bool>,
    /// Whether the centres are there.
    pub centers: bool,
    /// Lines for a reader.
    pub remarks: Vec<String>,
}

/// The shape of a model as far as its parameters tell.
#[napi(object, object_from_js = false)]
pub struct WeightsShape {
    /// Embedding dimension C.
    pub width: u32,
    /// Number of blocks.
    pub depth: u32,
    /// Hidden width of a block's MLP divided by C.
    pub mlp_ratio: f64,
    /// Side of a patch in pixels.
    pub patch_size: u32,
    /// Side in pixels of the image for which positions are stored.
    pub image_size: u32,
    /// Class tokens in front.
    pub class_tokens: u32,
    /// Whether the sampling attention is there.
    pub sampling: bool,
    /// None: there is no head.
    pub head: Option<WeightsHead>,
}

/// The shape of a projection head.
#[napi(object, object_from_js = false)]
pub struct WeightsHead {
    /// Number of prototypes D.
    pub prototypes: u32,
    /// Width of the hidden layers.
    pub hidden_width: u32,
    /// Width of the vector that is compared with the prototypes.
    pub bottleneck_width: u32,
    /// BatchNorm1d after the hidden layers.
    pub batch_norm: bool,
}

/// Weights of a part of a network.
#[napi(object, object_from_js = false)]
pub struct WeightsMeasure {
    /// `backbone`, `sampling` or `head`.
    pub part: String,
    /// Number of values.
    pub count: i64,
    /// L2 norm of the finite ones.
    pub norm: f64,
    /// Values that are not a number.
    pub nan: i64,
    /// Infinite values.
    pub infinite: i64,
}

/// How a state is completed that is made of a file.
#[napi(object, object_to_js = false)]
pub struct StateOptions {
    /// The rule that the run goes on with.
    pub optimizer: String,
    /// The prototypes' norms are not trained.
    pub norms_frozen: bool,
    /// Steps made.
    pub steps: i64,
}

/// A file of weights that was written.
#[napi(object, object_from_js = false)]
pub struct WrittenWeights {
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Its length.
    pub bytes: i64,
}

/// A backbone to be written for another library.
#[napi(object, object_to_js = false)]
pub struct ExportOptions {
    /// A file of weights.
    pub file: String,
    /// student, teacher or backbone.
    pub network: String,
    /// Attention heads; divides the width.
    pub heads: u32,
    /// Height in pixels of the images that it is for, a multiple of the patch size.
    pub height: u32,
    /// Their width.
    pub width: u32,
    /// safetensors, timm, huggingface or onnx.
    pub format: String,
    /// fp32 or fp16.
    pub dtype: String,
    /// Facts for formats that have room for some.
    pub notes: Vec<ExportNote>,
    /// ONNX: weights that together are larger go to a second file.
    pub onnx_inline_bytes: i64,
    /// The file to write.
    pub output: String,
}

/// A fact in an exported file.
#[napi(object, object_to_js = false)]
pub struct ExportNote {
    /// Its name.
    pub key: String,
    /// In words.
    pub value: String,
}

/// A file of an export.
#[napi(object, object_from_js = false)]
pub struct ExportedFile {
    /// Where it is.
    pub path: String,
    /// Its length.
    pub bytes: i64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// What became of a parameter that was to start from given weights.
#[napi(object, object_from_js = false)]
pub struct AdoptedParameter {
    /// Our name.
    pub name: String,
    /// `loaded`, `resampled`, `first tokens` or `fresh`.
    pub fate: String,
}
