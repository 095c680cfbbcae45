// Operations of libtorch that tch does not bind, as C functions. Headers of no device in particular: what libtorch_cuda
// adds is found at run time by its dispatcher and its registry of allocators.
//
// Each function returns null, or the message of an exception, which udi_shim_free takes back.

#include <ATen/Context.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "guarded.h"

namespace {

using Handles = const at::Tensor *const *;

std::vector<at::Tensor> list(Handles tensors, int64_t count) {
  std::vector<at::Tensor> all;
  all.reserve(count);
  for (int64_t index = 0; index < count; ++index) all.push_back(*tensors[index]);
  return all;
}

const std::set<torch::profiler::impl::ActivityType> &traced() {
  using torch::profiler::impl::ActivityType;
  static const std::set<ActivityType> all{ActivityType::CPU, ActivityType::CUDA}, of_cpu{ActivityType::CPU};
  return at::hasCUDA() ? all : of_cpu;
}

// While it lives, this thread gives its work to this stream.
class OnStream {
 public:
  OnStream(const c10::impl::VirtualGuardImpl &cuda, c10::Stream stream)
      : cuda_(cuda), before_(cuda.exchangeStream(stream)) {}
  OnStream(const OnStream &) = delete;
  ~OnStream() { cuda_.exchangeStream(before_); }

 private:
  const c10::impl::VirtualGuardImpl &cuda_;
  c10::Stream before_;
};

// The stream on which this thread copies to a device.
c10::Stream stream_of_copies(const c10::impl::VirtualGuardImpl &cuda, at::Device device) {
  thread_local std::map<c10::DeviceIndex, c10::Stream> streams;
  const auto known = streams.find(device.index());
  if (known != streams.end()) return known->second;
  return streams.emplace(device.index(), cuda.getStreamFromGlobalPool(device)).first->second;
}

}  // namespace

extern "C" {

void udi_shim_free(char *message) { std::free(message); }

// L2 norms of the tensors as one vector, into *norms, which the caller owns.
char *udi_foreach_norm(Handles tensors, int64_t count, at::Tensor **norms) {
  return guarded([&] { *norms = new at::Tensor(at::stack(at::_foreach_norm(list(tensors, count), 2))); });
}

// libtorch refuses empty lists where there is nothing to do.

// Each tensor times the factor of its place.
char *udi_foreach_mul(Handles tensors, Handles factors, int64_t count) {
  if (count == 0) return nullptr;
  return guarded([&] { at::_foreach_mul_(list(tensors, count), list(factors, count)); });
}

// Each tensor becomes the source of its place, in its own kind.
char *udi_foreach_copy(Handles tensors, Handles sources, int64_t count) {
  if (count == 0) return nullptr;
  return guarded([&] { at::_foreach_copy_(list(tensors, count), list(sources, count)); });
}

// Each tensor `share` of the way to its target.
char *udi_foreach_lerp(Handles tensors, Handles targets, int64_t count, double share) {
  if (count == 0) return nullptr;
  return guarded([&] { at::_foreach_lerp_(list(tensors, count), list(targets, count), at::Scalar(share)); });
}

struct AdamwRule {
  double learning_rate, weight_decay, beta1, beta2, epsilon;
};

// `veto`: null, or an fp32 scalar of the device; where it is 1 nothing is changed.
char *udi_fused_adamw(Handles parameters, Handles gradients, Handles first, Handles second, Handles steps,
                      int64_t count, const AdamwRule *rule, const at::Tensor *veto) {
  if (count == 0) return nullptr;
  return guarded([&] {
    const auto found = veto ? std::optional<at::Tensor>(*veto) : std::nullopt;
    at::_fused_adamw_(list(parameters, count), list(gradients, count), list(first, count), list(second, count), {},
                      list(steps, count), rule->learning_rate, rule->beta1, rule->beta2, rule->weight_decay,
                      rule->epsilon, false, false, std::nullopt, found);
  });
}

// A flat copy of bytes, or of fp32 values, in pinned memory, in *copy, which the caller owns.
char *udi_pinned_copy(const void *values, int64_t count, int is_float, at::Tensor **copy) {
  return guarded([&] {
    const auto type = is_float ? at::kFloat : at::kByte;
    at::Tensor pinned = at::empty({count}, at::TensorOptions().dtype(type).pinned_memory(true));
    std::memcpy(pinned.mutable_data_ptr(), values, pinned.nbytes());
    *copy = new at::Tensor(std::move(pinned));
  });
}

// A copy of a host tensor on a CUDA device, in *sent, which the caller owns. It goes through pinned memory, which libtorch
// keeps until the copy is done; nobody waits for it. It is made beside the work that this thread gave to the device before: what
// is given after it waits.
char *udi_send_to_cuda(const at::Tensor *tensor, int index, at::Tensor **sent) {
  return guarded([&] {
    const at::Device device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index));
    const c10::impl::VirtualGuardImpl cuda(device.type());
    const c10::Stream work = cuda.getStream(device), copies = stream_of_copies(cuda, device);
    at::Tensor copy;
    {
      const OnStream on(cuda, copies);
      copy = tensor->contiguous().pin_memory().to(device, tensor->scalar_type(), true);
    }
    c10::Event made(device.type());
    made.record(copies);
    made.block(work);
    cuda.recordDataPtrOnStream(copy.storage().data_ptr(), work);
    *sent = new at::Tensor(std::move(copy));
  });
}

// A copy on the host that its device makes when it gets there. On the CPU it is there at once.
struct LateCopy {
  at::Tensor values;
  std::optional<c10::Event> made;
};

// Begins to copy a tensor of any device to pinned memory, into *copy, which the caller gives back to udi_late_copy_free.
char *udi_late_copy(const at::Tensor *tensor, LateCopy **copy) {
  return guarded([&] {
    const at::Device device = tensor->device();
    if (device.is_cpu()) {
      *copy = new LateCopy{tensor->clone(), std::nullopt};
      return;
    }
    const at::Tensor dense = tensor->contiguous();
    at::Tensor values = at::empty(dense.sizes(), dense.options().device(at::kCPU).pinned_memory(true));
    values.copy_(dense, true);
    c10::Event made(device.type());
    made.record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
    *copy = new LateCopy{std::move(values), std::move(made)};
  });
}

// Whether the copy is there, into *ready.
char *udi_late_copy_ready(const LateCopy *copy, int *ready) {
  return guarded([&] { *ready = !copy->made || copy->made->query(); });
}

// Waits until the copy is there; its values go into *values, which the caller owns.
char *udi_late_copy_wait(const LateCopy *copy, at::Tensor **values) {
  return guarded([&] {
    if (copy->made) copy->made->synchronize();
    *values = new at::Tensor(copy->values);
  });
}

void udi_late_copy_free(LateCopy *copy) { delete copy; }

// Largest number of bytes that tensors of a CUDA device took at once since the last reset.
char *udi_peak_cuda_bytes(int index, int64_t *bytes) {
  return guarded([&] {
    auto stats = c10::getDeviceAllocator(c10::DeviceType::CUDA)->getDeviceStats(static_cast<c10::DeviceIndex>(index));
    const auto aggregate = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    *bytes = stats.allocated_bytes[aggregate].peak;
  });
}

// Begins to record what this thread gives to libtorch, and all that its GPUs do.
char *udi_begin_trace() {
  return guarded([] {
    const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO);
    torch::autograd::profiler::prepareProfiler(config, traced());
    torch::autograd::profiler::enableProfiler(config, traced());
  });
}

// Ends it, and writes the record in Chrome's format. Call it on the thread that began.
char *udi_finish_trace(const char *path) {
  return guarded([&] { torch::autograd::profiler::disableProfiler()->save(path); });
}
}
