/** How the arguments of the reference's training script are called here, for those who come from it. */

export const REFERENCE_ARGUMENTS: Readonly<Record<string, string>> = {
  arch: "model.arch",
  patch_size: "model.patchSize",
  out_dim: "model.head.prototypes",
  include_patch: "model.includePatch",
  number_cls_token: "model.classTokens",
  norm_last_layer: "model.head.normLastLayer",
  use_bn_in_head: "model.head.batchNorm",
  momentum_teacher: "schedule.teacherMomentum",
  alpha: "objective.alpha",
  warmup_teacher_temp: "schedule.warmupTeacherTemperature",
  teacher_temp: "schedule.teacherTemperature",
  warmup_teacher_temp_epochs: "schedule.warmupTeacherTemperatureEpochs",
  use_fp16: "precision",
  weight_decay: "schedule.weightDecay",
  weight_decay_end: "schedule.weightDecayEnd",
  clip_grad: "optimizer.clipGradient",
  batch_size_per_gpu: "training.batchSize",
  epochs: "training.epochs",
  freeze_last_layer: "schedule.freezeLastLayerEpochs",
  lr: "schedule.learningRate",
  warmup_epochs: "schedule.warmupEpochs",
  min_lr: "schedule.minLearningRate",
  optimizer: "optimizer.name",
  drop_path_rate: "model.dropPathRate",
  global_crops_scale: "crops.globalScale",
  local_crops_number: "crops.localCrops",
  local_crops_scale: "crops.localScale",
  global_sampling_window_size: "crops.globalWindow",
  local_sampling_window_size: "crops.localWindow",
  data_path: "data.path",
  output_dir: "output",
  saveckp_freq: "checkpoint.keepEveryEpochs",
  seed: "seed",
  num_workers: "data.workers",
};

/** The key of an argument, or null. */
export function referenceKey(argument: string): string | null {
  return Object.hasOwn(REFERENCE_ARGUMENTS, argument) ? (REFERENCE_ARGUMENTS[argument] ?? null) : null;
}
