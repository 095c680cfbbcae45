// The CUDA kernels for the CPU, in the variants that tests ask for. Linked into tests alone.

#include "emulator.h"

#include <algorithm>
#include <map>
#include <string>

namespace {

using Kernels = std::map<std::string, emulator::Kernel>;

Kernels &kernels() {
  static Kernels all;
  return all;
}

struct Registered {
  Registered(const std::string &program, const Kernels &added) {
    for (const auto &[name, kernel] : added) kernels()[program + " " + name] = kernel;
  }
};

}  // namespace

#define NAMED(kernel) {#kernel, emulator::as_launched(kernel)}
#define LAYER_NORM {NAMED(forward), NAMED(backward)}
#define COLUMNS {NAMED(column_sums), NAMED(branch_gradient), NAMED(patch_gradient), NAMED(join), NAMED(gelu), NAMED(gelu_backward)}
#define ADAMW {NAMED(adamw)}
#define EMBEDDING {NAMED(patches), NAMED(embed)}
#define PROTOTYPES {NAMED(prototypes), NAMED(gradients)}
#define SAMPLING {NAMED(weighted_rows)}
#define ATTENTION {NAMED(forward)}
#define ATTENTION_BACKWARD {NAMED(backward)}
#define SOFTMAX {NAMED(softmax), NAMED(cross_entropy)}

#define HEADER "../cuda/rows.cuh"
#define SOURCE "../cuda/layer_norm.cu"
#define PROGRAM "layer_norm"
#define KERNELS LAYER_NORM

#define ELEMENT float
#define PACK 4
#define WIDTH 384
#include "variant.h"

#define ELEMENT bf16
#define PACK 4
#define WIDTH 384
#include "variant.h"

#define ELEMENT fp16
#define PACK 4
#define WIDTH 384
#include "variant.h"

#define ELEMENT float
#define PACK 4
#define WIDTH 12
#include "variant.h"

#define ELEMENT bf16
#define PACK 1
#define WIDTH 19
#include "variant.h"

#define ELEMENT bf16
#define PACK 4
#define WIDTH 200
#include "variant.h"

#undef HEADER
#undef SOURCE
#undef PROGRAM
#undef KERNELS

#define SOURCE "../cuda/columns.cu"
#define PROGRAM "columns"
#define KERNELS COLUMNS

#include "packed_variants.h"

#undef SOURCE
#undef PROGRAM
#undef KERNELS

#define HEADER "../cuda/rows.cuh"
#define SOURCE "../cuda/prototypes.cu"
#define PROGRAM "prototypes"
#define KERNELS PROTOTYPES

#define ELEMENT float
#define PACK 4
#define WIDTH 256
#include "variant.h"

#define ELEMENT float
#define PACK 1
#define WIDTH 19
#include "variant.h"

#undef HEADER
#undef SOURCE
#undef PROGRAM
#undef KERNELS

#define SOURCE "../cuda/sampling.cu"
#define PROGRAM "sampling"
#define KERNELS SAMPLING

#define ELEMENT float
#define PACK 4
#define WIDTH 0
#include "variant.h"

#define ELEMENT float
#define PACK 1
#define WIDTH 0
#include "variant.h"

#undef SOURCE
#undef PROGRAM
#undef KERNELS

#define SOURCE "../cuda/softmax.cu"
#define PROGRAM "softmax"
#define KERNELS SOFTMAX

#include "packed_variants.h"

#undef SOURCE
#undef PROGRAM
#undef KERNELS

#define SOURCE "../cuda/adamw.cu"
#define PROGRAM "adamw"
#define KERNELS ADAMW

#define ELEMENT float
#define PACK 4
#define WIDTH 0
#include "variant.h"

#undef SOURCE
#undef PROGRAM
#undef KERNELS

#define SOURCE "../cuda/embedding.cu"
#define PROGRAM "embedding"
#define KERNELS EMBEDDING

#define ELEMENT float
#define PACK 4
#define WIDTH 16
#include "variant.h"

#define ELEMENT bf16
#define PACK 8
#define WIDTH 16
#include "variant.h"

#define ELEMENT fp16
#define PACK 1
#define WIDTH 6
#include "variant.h"

#define ELEMENT float
#define PACK 4
#define WIDTH 8
#include "variant.h"

#define ELEMENT float
#define PACK 1
#define WIDTH 16
#include "variant.h"

#define ELEMENT bf16
#define PACK 4
#define WIDTH 16
#include "variant.h"

#define ELEMENT bf16
#define PACK 1
#define WIDTH 16
#include "variant.h"

#define ELEMENT fp16
#define PACK 4
#define WIDTH 16
#include "variant.h"

#undef SOURCE
#undef PROGRAM
#undef KERNELS

#define HEADER "../cuda/attention.cuh"

#define SOURCE "../cuda/attention.cu"
#define PROGRAM "attention"
#define KERNELS ATTENTION

#include "attention_variants.h"

#undef SOURCE
#undef PROGRAM
#undef KERNELS

#define SOURCE "../cuda/attention_backward.cu"
#define PROGRAM "attention_backward"
#define KERNELS ATTENTION_BACKWARD

#include "attention_variants.h"

#undef SOURCE
#undef PROGRAM
#undef KERNELS

#undef HEADER

extern "C" {

// Runs a kernel of a program ("name element pack width") as udi_cuda_launch would. Null, or what went wrong, which
// udi_shim_free takes back.
char *udi_emulate(const char *program, const char *kernel, const unsigned *grid, void **arguments) noexcept {
  try {
    const auto found = kernels().find(std::string(program) + " " + kernel);
    if (found == kernels().end()) return strdup((std::string("no kernel ") + program + " " + kernel).c_str());
    emulator::launch(found->second, grid, arguments);
    return nullptr;
  } catch (const std::exception &error) {
    return strdup(error.what());
  }
}
}
