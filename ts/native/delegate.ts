/** Calls of the addon, and the one place where its errors become errors of the family. */
import { ArgumentError, NativeError, NonFiniteLossError, RunError, UdiError } from "../errors.js";

/** Errors of the addon by their code, and the way out where there is one for all of them. */
const FAMILY = {
  UDI_ARGUMENT: { type: ArgumentError, hint: undefined },
  UDI_NON_FINITE: {
    type: NonFiniteLossError,
    hint: "lower the learning rate, or use precision fp32; the weights are those before this step",
  },
  UDI_RUN: { type: RunError, hint: undefined },
  UDI_NATIVE: { type: NativeError, hint: "npx udi-native doctor" },
} as const;

/** Codes of napi itself: an argument that is not of its kind. */
const REFUSED_BY_NAPI = /^InvalidArg$|Expected$/;

const OUT_OF_MEMORY =
  /out of memory|not enough memory|can't allocate memory|fits in memory|memory allocation/i;

/** What a call of the addon throws or rejects with. */
type AddonError = Error & { readonly code?: unknown };

/** Runs a call of the addon that ends at once. Its failure becomes an error of the family. */
export function delegateNow<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof UdiError || !(error instanceof Error)) throw error;
    throw familyOf(error);
  }
}

/** Runs a call of the addon. Its failure becomes an error of the family that has the stack of this call's caller. */
export async function delegate<T>(call: () => T | Promise<T>): Promise<T> {
  const here: { stack?: string } = {};
  Error.captureStackTrace(here, delegate);
  try {
    return await call();
  } catch (error) {
    if (error instanceof UdiError || !(error instanceof Error)) throw error;
    throw withStack(familyOf(error), here.stack);
  }
}

function familyOf(error: AddonError): UdiError {
  const { type, hint } = FAMILY[codeOf(error)];
  const way = OUT_OF_MEMORY.test(error.message)
    ? "use a smaller batch, smaller crops or a smaller model"
    : hint;
  return new type(error.message, {
    ...(way === undefined ? {} : { hint: way }),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  });
}

function codeOf({ code }: AddonError): keyof typeof FAMILY {
  if (typeof code !== "string") return "UDI_NATIVE";
  if (Object.hasOwn(FAMILY, code)) return code as keyof typeof FAMILY;
  return REFUSED_BY_NAPI.test(code) ? "UDI_ARGUMENT" : "UDI_NATIVE";
}

/** An error made after an await would only name what runs then. */
function withStack(error: UdiError, stack: string | undefined): UdiError {
  const frames = stack?.split("\n").slice(1).join("\n") ?? "";
  error.stack = `${error.name}: ${error.message}\n${frames}`;
  return error;
}
