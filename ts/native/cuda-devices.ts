/**
 * GPUs as the CUDA driver lists them: in the order that libtorch uses, and after CUDA_VISIBLE_DEVICES. Asking the
 * driver makes no context, so it takes no memory of the GPU, and needs no toolkit.
 */
import koffi, { type LibraryHandle } from "koffi";
import { NativeError } from "../errors.js";

export interface CudaDevice {
  readonly index: number;
  readonly name: string;
  readonly memoryBytes: number;
  /** For example "9.0". */
  readonly computeCapability: string;
}

/** `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR` and `…_MINOR`. */
const CAPABILITY = [75, 76] as const;

const NAME_BYTES = 256;

/** Throws NativeError where there is no driver, or it fails. */
export function cudaDevices(library = "libcuda.so.1"): CudaDevice[] {
  const driver = openDriver(library);
  driver.init();
  return Array.from({ length: driver.count() }, (_, index) => {
    const device = driver.device(index);
    return {
      index,
      name: driver.nameOf(device),
      memoryBytes: driver.memoryOf(device),
      computeCapability: CAPABILITY.map((attribute) => driver.attributeOf(device, attribute)).join("."),
    };
  });
}

/** The driver's functions, each of which returns 0 or the number of an error and writes its result to its first argument. */
function openDriver(library: string) {
  const driver = load(library);
  const functionOf = (declaration: string) => {
    const call = driver.func(declaration) as (...values: unknown[]) => number;
    return (...values: unknown[]): void => {
      const status = call(...values);
      if (status !== 0)
        throw new NativeError(`the CUDA driver failed: ${call.name} returned error ${status}`);
    };
  };
  const init = functionOf("int cuInit(unsigned int flags)");
  const count = functionOf("int cuDeviceGetCount(_Out_ int *count)");
  const device = functionOf("int cuDeviceGet(_Out_ int *device, int ordinal)");
  const name = functionOf("int cuDeviceGetName(_Out_ uint8_t *name, int length, int device)");
  const memory = functionOf("int cuDeviceTotalMem_v2(_Out_ size_t *bytes, int device)");
  const attribute = functionOf("int cuDeviceGetAttribute(_Out_ int *value, int attribute, int device)");
  const read = (call: (out: number[]) => void): number => {
    const out = [0];
    call(out);
    return Number(out[0]);
  };
  return {
    init: () => init(0),
    count: () => read((out) => count(out)),
    device: (index: number) => read((out) => device(out, index)),
    memoryOf: (id: number) => read((out) => memory(out, id)),
    attributeOf: (id: number, which: number) => read((out) => attribute(out, which, id)),
    nameOf: (id: number) => {
      const bytes = Buffer.alloc(NAME_BYTES);
      name(bytes, NAME_BYTES, id);
      return bytes.subarray(0, bytes.indexOf(0)).toString("utf8");
    },
  };
}

function load(library: string): LibraryHandle {
  try {
    return koffi.load(library, { lazy: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new NativeError(`the CUDA driver cannot be opened: ${reason}`, { cause });
  }
}
