// What all kernels share: values kept as fp32, bf16 or fp16 and computed with as fp32, loads of several at once, sums over a warp.
//
// Compiled at run time, without headers. Macros say what a program is for: ELEMENT, its kind of values (float, bf16, fp16); PACK,
// how many of them a thread loads at once, a divisor of each row's width; WIDTH, where rows have one, that width.
// Tests compile the same text for the CPU: ../shim/emulator.h.

#define WARP 32

struct bf16 {
  unsigned short bits;
};

struct fp16 {
  unsigned short bits;
};

#ifdef __CUDACC_RTC__
#define KERNEL extern "C" __global__ void

__device__ inline float half_to_float(unsigned short bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

__device__ inline unsigned short float_to_half(float value) {
  unsigned short bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}
#endif

__device__ inline unsigned short float_to_bfloat(float value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  unsigned short bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
#else
  const unsigned int bits = __float_as_uint(value);
  if (value != value) return (bits >> 16) | 0x40;
  // To the nearest, ties to even.
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
#endif
}

__device__ inline float read(float value) { return value; }
__device__ inline float read(bf16 value) { return __uint_as_float((unsigned int)value.bits << 16); }
__device__ inline float read(fp16 value) { return half_to_float(value.bits); }

__device__ inline void write(float value, float &into) { into = value; }
__device__ inline void write(float value, bf16 &into) { into.bits = float_to_bfloat(value); }
__device__ inline void write(float value, fp16 &into) { into.bits = float_to_half(value); }

// Neighbours in memory, loaded and stored at once.
template <class T, int COUNT>
struct alignas(sizeof(T) * COUNT) Pack {
  T values[COUNT];
};

template <int COUNT, class T>
__device__ inline void load(const T *from, float (&values)[COUNT]) {
  const Pack<T, COUNT> pack = *reinterpret_cast<const Pack<T, COUNT> *>(from);
#pragma unroll
  for (int i = 0; i < COUNT; ++i) values[i] = read(pack.values[i]);
}

template <int COUNT, class T>
__device__ inline void store(const float (&values)[COUNT], T *to) {
  Pack<T, COUNT> pack;
#pragma unroll
  for (int i = 0; i < COUNT; ++i) write(values[i], pack.values[i]);
  *reinterpret_cast<Pack<T, COUNT> *>(to) = pack;
}

// The value as it is kept.
__device__ inline float rounded(float value) {
  ELEMENT kept;
  write(value, kept);
  return read(kept);
}

__device__ inline float warp_sum(float value) {
  for (int distance = WARP / 2; distance > 0; distance /= 2) value += __shfl_xor_sync(~0u, value, distance);
  return value;
}
