/** The public interface of udi-native. */
export { type ConfigRequest, loadConfig } from "./config/load.js";
export type { Architecture } from "./config/presets.js";
export type { ResolvedConfig } from "./config/resolved.js";
export type { Config } from "./config/schema.js";
export {
  type ImageSource,
  type IndexProgress,
  type OpenOptions,
  openImageSource,
  type SourceKind,
} from "./dataset/image-source.js";
export { type MixturePart, openMixture } from "./dataset/mixture.js";
export {
  ArgumentError,
  ConfigError,
  DataError,
  InstallError,
  NativeError,
  NonFiniteLossError,
  RunError,
  StorageError,
  UdiError,
} from "./errors.js";
export type {
  AttentionRequest,
  AttentionResult,
  DrawnImage,
} from "./evaluate/attention/attention-request.js";
export { drawAttention } from "./evaluate/attention/draw-attention.js";
export type { BaselineName } from "./evaluate/baselines/baseline.js";
export type { ComparedFeature, ComparedScore, KnnBaseline } from "./evaluate/baselines/knn-baselines.js";
export type { LinearBaseline } from "./evaluate/baselines/linear-baselines.js";
export { type EmbeddedFolder, type EmbedFolderOptions, embedFolder } from "./evaluate/embed-folder.js";
export { type Embedding, type EmbedOptions, embed } from "./evaluate/embed-images.js";
export {
  type CheckpointKnn,
  type CheckpointKnnOptions,
  type CheckpointScore,
  evaluateCheckpointKnn,
  type MeasuredFeature,
} from "./evaluate/evaluate-knn.js";
export {
  type CheckpointProbe,
  type ProbeCheckpointOptions,
  type ProbeStart,
  probeCheckpoint,
} from "./evaluate/linear/probe-checkpoint.js";
export type { CandidateResult, EpochRecord, LinearResult } from "./evaluate/linear/result.js";
export type { Candidate, Grid, LinearSettings } from "./evaluate/linear/settings.js";
export {
  type AttentionMaps,
  type Encoder,
  type EncoderModel,
  type EncoderOptions,
  type Feature,
  type ImageBatch,
  type ImageErasure,
  openEncoder,
  type PooledTokens,
} from "./native/encoder.js";
export {
  type EvaluationViews,
  type Machine,
  machine,
  type Native,
  type NativeImage,
  type NetworkInspection,
  nativeImage,
  openViewBatch,
  type RenderViews,
  renderViews,
  setViewThreads,
  type ViewBatch,
  type ViewFilling,
} from "./native/engine.js";
export { type ModelChoice, type OpenNativeOptions, openNative } from "./native/open-native.js";
export type {
  BatchShape,
  DecodedImage,
  HeadOptions,
  InspectionReport,
  ModelOptions,
  MultiCropBatch,
  NativeOptions,
  NeighbourScore,
  ObjectiveOptions,
  OptimizerOptions,
  Precision,
  SamplingMaps,
  SavedState,
  ScheduleValues,
  StepReport,
  TargetSamples,
} from "./native/types.js";
export { contactSheet } from "./picture/contact-sheet.js";
export type { PicturedImage } from "./picture/image-section.js";
export { type PreviewRequest, previewedImages } from "./picture/previewed-images.js";
export { type RandomStream, randomStream } from "./random.js";
export { type MultiCropOptions, multiCropRecipe } from "./recipe/multi-crop.js";
export { PHOTOMETRIC_DEFAULTS, type PhotometricOptions } from "./recipe/photometric.js";
export type { RandomErasing } from "./recipe/random-erasing.js";
export type { ErasingMode, Erasure, ImageMaps, ImageRecipe, ViewRecipe } from "./recipe/types.js";
export { listRuns } from "./report/list-runs.js";
export type { RunState } from "./report/run-state.js";
export type { BestScore, RunSummary } from "./report/run-summary.js";
export { type ReportRequest, type WrittenReport, writeReport } from "./report/write-report.js";
export type { EvaluationRecord, SkippedRecord, StepRecord, WatchRecord } from "./run/records.js";
export { type RunServer, type ServeRequest, serveRuns } from "./serve/serve-runs.js";
export { type CheckProgress, type CheckRequest, checkData } from "./survey/check-data.js";
export type { CheckReport } from "./survey/report.js";
export { train } from "./train/pretrain.js";
export type { TrainOptions, TrainResult, TrainStart } from "./train/train-options.js";
export { decodeImage } from "./views/decode.js";
export { type Averaged, type AverageRequest, averageCheckpoints } from "./weights/average.js";
export type { Check } from "./weights/checks/check.js";
export { type ExportOptions, type ExportResult, exportCheckpoint } from "./weights/export.js";
export { type Imported, type ImportRequest, importCheckpoint } from "./weights/import-checkpoint.js";
export { type Inspection, inspectCheckpoint } from "./weights/inspect.js";
export {
  type CheckpointModel,
  type CheckpointSource,
  type OpenCheckpointOptions,
  openCheckpoint,
} from "./weights/open-checkpoint.js";
export { type Verification, type VerifyOptions, verify } from "./weights/verify.js";
