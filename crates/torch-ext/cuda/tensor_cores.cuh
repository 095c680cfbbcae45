// Products of small matrices by tensor cores, and how their operands come from memory: one instruction each. Of compute capability
// 8.0. The emulator has its own: ../shim/emulator.h.
//
// A warp holds a matrix of 16 x 16 values of two bytes as four words a lane: lane 4 r + c has values 2c and 2c + 1 of rows r and
// r + 8, then the same eight columns on. Of a sum of 16 x 8 it holds the same columns of the same rows, as fp32.

#ifdef __CUDACC_RTC__
#define SHARED_MEMORY(name) extern __shared__ __align__(128) unsigned char name[]

// Where it lies in the block's shared memory, as the instructions below take it.
__device__ inline unsigned int shared_address(const void *at) {
  return static_cast<unsigned int>(__cvta_generic_to_shared(at));
}

// 16 bytes of shared memory.
__device__ inline void load_words(unsigned int (&words)[4], unsigned int from) {
  asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(from)
               : "memory");
}

// Four matrices of 8 x 8 values: lane l says where row l % 8 of matrix l / 8 lies, 16 bytes.
__device__ inline void load_matrices(unsigned int (&words)[4], unsigned int row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(row)
               : "memory");
}

// The same, each matrix turned.
__device__ inline void load_turned(unsigned int (&words)[4], unsigned int row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
               : "r"(row)
               : "memory");
}

#define MULTIPLY(kind)                                                                                     \
  asm("mma.sync.aligned.m16n8k16.row.col.f32." kind "." kind ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, " \
      "{%0, %1, %2, %3};"                                                                                  \
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])                                             \
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(first), "r"(second))

// sum += a b for a of 16 x 16 values, b of 16 x 8: lane 4 r + c has values 2c and 2c + 1 of its column r, then eight on.
template <class T>
__device__ void multiply(float (&sum)[4], const unsigned int (&a)[4], unsigned int first, unsigned int second);

template <>
__device__ inline void multiply<bf16>(float (&sum)[4], const unsigned int (&a)[4], unsigned int first, unsigned int second) {
  MULTIPLY("bf16");
}

template <>
__device__ inline void multiply<fp16>(float (&sum)[4], const unsigned int (&a)[4], unsigned int first, unsigned int second) {
  MULTIPLY("f16");
}

// Two neighbours as a word.
template <class T>
__device__ unsigned int word(float low, float high);

template <>
__device__ inline unsigned int word<bf16>(float low, float high) {
  unsigned int bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
}

template <>
__device__ inline unsigned int word<fp16>(float low, float high) {
  unsigned int bits;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
}

// Begins to copy 16 bytes to shared memory, or zeros.
__device__ inline void begin_copy(unsigned int to, const void *from, bool zeros) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(zeros ? 0 : 16)
               : "memory");
}

// Waits for this thread's copies.
__device__ inline void end_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }

// The same number, of which the compiler does not know what was computed from it before.
__device__ inline int anew(int value) {
  asm volatile("" : "+r"(value));
  return value;
}

// 2^value; below 2^-126 it is 0.
__device__ inline float power_of_two(float value) {
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(value));
  return power;
}
#endif
