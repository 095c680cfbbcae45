/**
 * The family of errors of udi-native. Each names the thing that is wrong, what was expected, what was received, and
 * carries a hint with the way out. The command line prints message and hint for a UdiError and exits with `exitCode`;
 * anything else is a defect and is printed with its stack.
 */
export class UdiError extends Error {
  /** Machine-readable kind. */
  readonly code: string = "UDI_ERROR";
  /** What the user can do about it: one line, or several commands. */
  readonly hint: string | undefined;
  /** 2: the user can mend it (input, configuration, machine); 1: something failed while running. */
  readonly exitCode: 1 | 2 = 2;

  constructor(message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.hint = options.hint;
  }
}

/** A configuration that cannot be run: unknown key, wrong type, value out of range, keys that contradict each other. */
export class ConfigError extends UdiError {
  override readonly code = "UDI_CONFIG";
}

/** A data folder that is missing or empty, or images that cannot be decoded. */
export class DataError extends UdiError {
  override readonly code = "UDI_DATA";
}

/** An argument of the programming interface with a wrong shape, type or range. */
export class ArgumentError extends UdiError {
  override readonly code = "UDI_ARGUMENT";
}

/** libtorch, the addon or a tool needed to build it is missing or does not fit. */
export class InstallError extends UdiError {
  override readonly code = "UDI_INSTALL";
}

/** An output folder that cannot be used, or a checkpoint that is missing, damaged or of another run. */
export class RunError extends UdiError {
  override readonly code = "UDI_RUN";
}

/** A disk that cannot take what a run must leave behind. */
export class StorageError extends UdiError {
  override readonly code = "UDI_STORAGE";
  override readonly exitCode = 1;
}

/** The native engine failed: out of memory, an exception of libtorch, a panic. */
export class NativeError extends UdiError {
  override readonly code = "UDI_NATIVE";
  override readonly exitCode = 1;
}

/** The loss, or one of its terms, is not a finite number. */
export class NonFiniteLossError extends UdiError {
  override readonly code = "UDI_NON_FINITE";
  override readonly exitCode = 1;
}

/** `expected …, received …` with the received value shown briefly. */
export function received(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
