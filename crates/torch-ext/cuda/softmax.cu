// Softmax and cross-entropy of rows of logits, a block for each row. A row is read twice: the second time from cache.

#define LOG2_E 1.44269504f

// Largest of some values, and the sum of 2^(value - largest) over them.
struct Partition {
  float largest, sum;
};

// No values yet. Not -infinity, whose difference to itself is no number.
#define LOWEST (-3.0e38f)

__device__ inline Partition joined(Partition a, Partition b) {
  const float largest = fmaxf(a.largest, b.largest);
  return {largest, a.sum * exp2f(a.largest - largest) + b.sum * exp2f(b.largest - largest)};
}

__device__ inline Partition with(Partition partition, const float (&values)[PACK]) {
  float largest = partition.largest;
#pragma unroll
  for (int i = 0; i < PACK; ++i) largest = fmaxf(largest, values[i]);
  float sum = partition.sum * exp2f(partition.largest - largest);
#pragma unroll
  for (int i = 0; i < PACK; ++i) sum += exp2f(values[i] - largest);
  return {largest, sum};
}

// The same over all threads of the block.
__device__ inline Partition of_block(Partition own) {
  __shared__ Partition warps[WARP];
  for (int distance = WARP / 2; distance > 0; distance /= 2) {
    const float largest = __shfl_xor_sync(~0u, own.largest, distance);
    const float sum = __shfl_xor_sync(~0u, own.sum, distance);
    own = joined(own, {largest, sum});
  }
  if (threadIdx.x % WARP == 0) warps[threadIdx.x / WARP] = own;
  __syncthreads();
  Partition all = warps[0];
  for (int warp = 1; warp < blockDim.x / WARP; ++warp) all = joined(all, warps[warp]);
  return all;
}

__device__ inline float sum_of_block(float own) {
  __shared__ float warps[WARP];
  own = warp_sum(own);
  if (threadIdx.x % WARP == 0) warps[threadIdx.x / WARP] = own;
  __syncthreads();
  float all = 0;
  for (int warp = 0; warp < blockDim.x / WARP; ++warp) all += warps[warp];
  return all;
}

// Calls body(column) for each pack of this thread.
template <class Body>
__device__ inline void each_pack(int width, Body body) {
#pragma unroll 4
  for (int column = threadIdx.x * PACK; column < width; column += blockDim.x * PACK) body(column);
}

// softmax((logits - center) / temperature)
KERNEL softmax(const ELEMENT *logits, const float *center, float *output, int width, float temperature) {
  const long long first = (long long)blockIdx.x * width;
  const float factor = LOG2_E / temperature;
  auto scaled = [&](int column, float(&values)[PACK]) {
    float middle[PACK];
    load<PACK>(logits + first + column, values);
    load<PACK>(center + column, middle);
#pragma unroll
    for (int i = 0; i < PACK; ++i) values[i] = (values[i] - middle[i]) * factor;
  };
  Partition own = {LOWEST, 0};
  each_pack(width, [&](int column) {
    float values[PACK];
    scaled(column, values);
    own = with(own, values);
  });
  const Partition all = of_block(own);
  const float rest = log2f(all.sum);
  each_pack(width, [&](int column) {
    float values[PACK];
    scaled(column, values);
#pragma unroll
    for (int i = 0; i < PACK; ++i) values[i] = exp2f(values[i] - all.largest - rest);
    store<PACK>(values, output + first + column);
  });
}

// Row r of the logits z against the distribution t, row r % count of `targets`: entropies[r] = logsumexp(z / temperature) -
// t . z / temperature, and z becomes scale (softmax(z / temperature) - t). Where `others` is not null, a target is the mean of both.
KERNEL cross_entropy(ELEMENT *logits, const float *targets, const float *others, float *entropies, int width,
                     long long count, float temperature, float scale) {
  ELEMENT *row = logits + (long long)blockIdx.x * width;
  const long long target = blockIdx.x % count * width;
  const float factor = LOG2_E / temperature;
  auto wanted = [&](int column, float(&values)[PACK]) {
    load<PACK>(targets + target + column, values);
    if (!others) return;
    float second[PACK];
    load<PACK>(others + target + column, second);
#pragma unroll
    for (int i = 0; i < PACK; ++i) values[i] = 0.5f * (values[i] + second[i]);
  };
  Partition own = {LOWEST, 0};
  each_pack(width, [&](int column) {
    float values[PACK];
    load<PACK>(row + column, values);
#pragma unroll
    for (int i = 0; i < PACK; ++i) values[i] *= factor;
    own = with(own, values);
  });
  const Partition all = of_block(own);
  const float rest = log2f(all.sum);
  // The sum of t (logsumexp - z / temperature), since those of t are 1.
  float entropy = 0;
  each_pack(width, [&](int column) {
    float values[PACK], shares[PACK];
    load<PACK>(row + column, values);
    wanted(column, shares);
#pragma unroll
    for (int i = 0; i < PACK; ++i) {
      const float logarithm = values[i] * factor - all.largest - rest;
      entropy -= shares[i] * logarithm;
      values[i] = scale * (exp2f(logarithm) - shares[i]);
    }
    store<PACK>(values, row + column);
  });
  entropy = sum_of_block(entropy);
  if (threadIdx.x == 0) entropies[blockIdx.x] = entropy / LOG2_E;
}
