// Kernels of our own on CUDA devices: compiled at run time, launched in the order of libtorch's own work.
//
// Built without CUDA: what is needed of NVRTC and the driver is asked for at run time, from the library by which libtorch itself
// reaches them and which stands beside it. Each function returns null, or a message that udi_shim_free takes back.

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <string>
#include <vector>

#include "guarded.h"

namespace {

// Of cuda.h and nvrtc.h.
using Result = int;
using Handle = void *;
constexpr int attribute_multiprocessors = 16, attribute_major = 75, attribute_minor = 76, attribute_shared = 97;
// Of a kernel: bytes of shared memory that a launch may ask for, and how much of a multiprocessor's first cache is such memory, in
// percent.
constexpr int kernel_shared = 8, kernel_shared_share = 9;

class Driver {
 public:
  static const Driver &get() {
    static const Driver driver;
    return driver;
  }

  Result (*cuGetErrorString)(Result, const char **);
  Result (*cuDeviceGet)(int *, int);
  Result (*cuDeviceGetAttribute)(int *, int, int);
  Result (*cuDevicePrimaryCtxRetain)(Handle *, int);
  Result (*cuCtxGetCurrent)(Handle *);
  Result (*cuCtxSetCurrent)(Handle);
  Result (*cuModuleLoadData)(Handle *, const void *);
  Result (*cuModuleGetFunction)(Handle *, Handle, const char *);
  Result (*cuFuncSetAttribute)(Handle, int, int);
  Result (*cuLaunchKernel)(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle,
                           void **, void **);
  const char *(*nvrtcGetErrorString)(Result);
  Result (*nvrtcCreateProgram)(Handle *, const char *, const char *, int, const char *const *, const char *const *);
  Result (*nvrtcCompileProgram)(Handle, int, const char *const *);
  Result (*nvrtcDestroyProgram)(Handle *);
  Result (*nvrtcGetProgramLogSize)(Handle, size_t *);
  Result (*nvrtcGetProgramLog)(Handle, char *);
  Result (*nvrtcGetCUBINSize)(Handle, size_t *);
  Result (*nvrtcGetCUBIN)(Handle, char *);

  void check(Result result, const char *what) const {
    if (result == 0) return;
    const char *text = nullptr;
    cuGetErrorString(result, &text);
    C10_THROW_ERROR(Error, std::string(what) + ": " + (text ? text : "CUDA error") + " (" + std::to_string(result) + ")");
  }

 private:
  Driver() : library_(open()) {
    find(cuGetErrorString, "cuGetErrorString");
    find(cuDeviceGet, "cuDeviceGet");
    find(cuDeviceGetAttribute, "cuDeviceGetAttribute");
    find(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain");
    find(cuCtxGetCurrent, "cuCtxGetCurrent");
    find(cuCtxSetCurrent, "cuCtxSetCurrent");
    find(cuModuleLoadData, "cuModuleLoadData");
    find(cuModuleGetFunction, "cuModuleGetFunction");
    find(cuFuncSetAttribute, "cuFuncSetAttribute");
    find(cuLaunchKernel, "cuLaunchKernel");
    find(nvrtcGetErrorString, "nvrtcGetErrorString");
    find(nvrtcCreateProgram, "nvrtcCreateProgram");
    find(nvrtcCompileProgram, "nvrtcCompileProgram");
    find(nvrtcDestroyProgram, "nvrtcDestroyProgram");
    find(nvrtcGetProgramLogSize, "nvrtcGetProgramLogSize");
    find(nvrtcGetProgramLog, "nvrtcGetProgramLog");
    find(nvrtcGetCUBINSize, "nvrtcGetCUBINSize");
    find(nvrtcGetCUBIN, "nvrtcGetCUBIN");
  }

  static void *open() {
    const char *name = "libcaffe2_nvrtc.so";
    Dl_info libtorch;
    if (dladdr(reinterpret_cast<void *>(&at::detail::getCUDAHooks), &libtorch) != 0) {
      const std::string path = libtorch.dli_fname;
      const std::string beside = path.substr(0, path.rfind('/') + 1) + name;
      if (void *library = dlopen(beside.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    }
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) C10_THROW_ERROR(Error, std::string("NVRTC: ") + dlerror());
    return library;
  }

  // Libraries that it was linked with are searched too.
  template <class Function>
  void find(Function &function, const char *name) {
    function = reinterpret_cast<Function>(dlsym(library_, name));
    if (!function) C10_THROW_ERROR(Error, std::string(name) + ": not in libcaffe2_nvrtc.so or what it was linked with");
  }

  void *library_;
};

// While it lives, the device is this thread's current one, in the context that libtorch uses.
class Current {
 public:
  explicit Current(int device) : guard_(at::Device(at::kCUDA, static_cast<at::DeviceIndex>(device))) {
    const Driver &driver = Driver::get();
    Handle context = nullptr;
    driver.check(driver.cuCtxGetCurrent(&context), "cuCtxGetCurrent");
    if (context) return;
    int ordinal = 0;
    driver.check(driver.cuDeviceGet(&ordinal, device), "cuDeviceGet");
    driver.check(driver.cuDevicePrimaryCtxRetain(&context, ordinal), "cuDevicePrimaryCtxRetain");
    driver.check(driver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
  }

 private:
  c10::DeviceGuard guard_;
};

struct Program {
  Handle handle = nullptr;
  ~Program() { Driver::get().nvrtcDestroyProgram(&handle); }
};

std::vector<char> compiled(const char *text, const char *const *options, int count) {
  const Driver &driver = Driver::get();
  const auto check = [&](Result result) {
    if (result != 0) C10_THROW_ERROR(Error, std::string("NVRTC: ") + driver.nvrtcGetErrorString(result));
  };
  Program program;
  check(driver.nvrtcCreateProgram(&program.handle, text, "udi-native.cu", 0, nullptr, nullptr));
  const Result result = driver.nvrtcCompileProgram(program.handle, count, options);
  if (result != 0) {
    size_t size = 0;
    check(driver.nvrtcGetProgramLogSize(program.handle, &size));
    std::string log(size, ' ');
    check(driver.nvrtcGetProgramLog(program.handle, log.data()));
    C10_THROW_ERROR(Error, std::string("NVRTC: ") + driver.nvrtcGetErrorString(result) + ": " + log);
  }
  size_t size = 0;
  check(driver.nvrtcGetCUBINSize(program.handle, &size));
  std::vector<char> code(size);
  check(driver.nvrtcGetCUBIN(program.handle, code.data()));
  return code;
}

}  // namespace

extern "C" {

// Multiprocessors, compute capability (90 for 9.0) and most bytes of a block's shared memory of a device.
char *udi_cuda_properties(int device, int *multiprocessors, int *capability, int *shared) {
  return guarded([&] {
    const Driver &driver = Driver::get();
    const Current current(device);
    int ordinal = 0, minor = 0;
    driver.check(driver.cuDeviceGet(&ordinal, device), "cuDeviceGet");
    const auto read = [&](int *value, int attribute) {
      driver.check(driver.cuDeviceGetAttribute(value, attribute, ordinal), "cuDeviceGetAttribute");
    };
    read(multiprocessors, attribute_multiprocessors);
    read(capability, attribute_major);
    read(&minor, attribute_minor);
    read(shared, attribute_shared);
    *capability = 10 * *capability + minor;
  });
}

// A program for a device, into *module, which stays for as long as the process.
char *udi_cuda_module(int device, const char *text, const char *const *options, int count, void **module) {
  return guarded([&] {
    const std::vector<char> code = compiled(text, options, count);
    const Current current(device);
    const Driver &driver = Driver::get();
    driver.check(driver.cuModuleLoadData(module, code.data()), "cuModuleLoadData");
  });
}

// A kernel of a program, into *kernel.
char *udi_cuda_kernel(int device, void *module, const char *name, void **kernel) {
  return guarded([&] {
    const Current current(device);
    const Driver &driver = Driver::get();
    driver.check(driver.cuModuleGetFunction(kernel, module, name), name);
  });
}

// Puts a kernel behind the work that this thread gave to the device. `grid`: blocks across and down, threads of a block across
// and down, bytes of its shared memory beside what the program says; `arguments`: the address of each, which is read before the
// call returns.
char *udi_cuda_launch(int device, void *kernel, const unsigned *grid, void **arguments) {
  return guarded([&] {
    const Current current(device);
    const Driver &driver = Driver::get();
    const at::Device place(at::kCUDA, static_cast<at::DeviceIndex>(device));
    Handle stream = c10::impl::VirtualGuardImpl(at::kCUDA).getStream(place).native_handle();
    if (grid[4] > 0) {
      driver.check(driver.cuFuncSetAttribute(kernel, kernel_shared, grid[4]), "cuFuncSetAttribute");
      driver.check(driver.cuFuncSetAttribute(kernel, kernel_shared_share, 100), "cuFuncSetAttribute");
    }
    driver.check(driver.cuLaunchKernel(kernel, grid[0], grid[1], 1, grid[2], grid[3], 1, grid[4], stream, arguments, nullptr),
                 "cuLaunchKernel");
  });
}
}
