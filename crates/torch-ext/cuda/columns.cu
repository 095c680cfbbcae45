// One pass over a matrix [rows, width] that also sums its rows. A thread has PACK columns and walks down them: a block has
// blockDim.x such packs beside each other, blockDim.y rows at a time, gridDim.y such blocks below each other.
// `partial` [gridDim.y, width] gets the sum of the rows that a row of blocks has seen.

#define LANES 8

// Calls body(row) for each row of this thread, and writes the sums that it keeps in `sums` to `partial`.
template <class Body>
__device__ inline void walk(long long rows, int width, float (&sums)[PACK], float *partial, Body body) {
  __shared__ float beside[LANES][WARP * PACK];
  const int column = (blockIdx.x * blockDim.x + threadIdx.x) * PACK;
  const long long step = (long long)gridDim.y * blockDim.y;
#pragma unroll
  for (int i = 0; i < PACK; ++i) sums[i] = 0;
  if (column < width) {
#pragma unroll 4
    for (long long row = (long long)blockIdx.y * blockDim.y + threadIdx.y; row < rows; row += step)
      body(row * width + column, row);
  }
#pragma unroll
  for (int i = 0; i < PACK; ++i) beside[threadIdx.y][threadIdx.x * PACK + i] = sums[i];
  __syncthreads();
  const int thread = threadIdx.y * blockDim.x + threadIdx.x;
  for (int place = thread; place < blockDim.x * PACK; place += blockDim.x * blockDim.y) {
    const int target = blockIdx.x * blockDim.x * PACK + place;
    float total = 0;
    for (int lane = 0; lane < blockDim.y; ++lane) total += beside[lane][place];
    if (target < width) partial[(long long)blockIdx.y * width + target] = total;
  }
}

__device__ inline void add(const float (&values)[PACK], float (&sums)[PACK]) {
#pragma unroll
  for (int i = 0; i < PACK; ++i) sums[i] += values[i];
}

KERNEL column_sums(const ELEMENT *matrix, float *partial, long long rows, int width) {
  float sums[PACK];
  walk(rows, width, sums, partial, [&](long long place, long long) {
    float values[PACK];
    load<PACK>(matrix + place, values);
    add(values, sums);
  });
}

// output = factor * gradient, a factor for each row (null: 1); the sums are those of the output.
KERNEL branch_gradient(const float *gradient, const float *factors, ELEMENT *output, float *partial, long long rows,
                       int width) {
  float sums[PACK];
  walk(rows, width, sums, partial, [&](long long place, long long row) {
    const float factor = factors ? factors[row] : 1;
    float values[PACK];
    load<PACK>(gradient + place, values);
#pragma unroll
    for (int i = 0; i < PACK; ++i) values[i] = rounded(factor * values[i]);
    add(values, sums);
    store<PACK>(values, output + place);
  });
}

// The rows of `gradient` [images tokens, width] behind the first `prefix` of each image, [images (tokens - prefix), width]: `rows` of
// them, with their sums.
KERNEL patch_gradient(const float *gradient, ELEMENT *output, int prefix, int tokens, float *partial, long long rows,
                      int width) {
  float sums[PACK];
  const int patches = tokens - prefix;
  walk(rows, width, sums, partial, [&](long long place, long long row) {
    const long long skipped = (row / patches + 1) * prefix * width;
    float values[PACK];
    load<PACK>(gradient + place + skipped, values);
#pragma unroll
    for (int i = 0; i < PACK; ++i) values[i] = rounded(values[i]);
    add(values, sums);
    store<PACK>(values, output + place);
  });
}

// Columns of three matrices [rows, width / 3] beside each other: `joined` [rows, width], with its sums.
KERNEL join(const ELEMENT *first, const ELEMENT *second, const ELEMENT *third, ELEMENT *joined, float *partial,
            long long rows, int width) {
  const int part = width / 3;
  const int column = (blockIdx.x * blockDim.x + threadIdx.x) * PACK;
  const ELEMENT *from = column < part ? first : column < 2 * part ? second : third;
  float sums[PACK];
  walk(rows, width, sums, partial, [&](long long place, long long row) {
    float values[PACK];
    load<PACK>(from + row * part + column % part, values);
    add(values, sums);
    store<PACK>(values, joined + place);
  });
}

// Φ(x) and e^(-x²/2).
struct Normal {
  float below, bell;
};

__device__ inline Normal normal(float x) {
  const float bell = __expf(-0.5f * x * x);
  if (sizeof(ELEMENT) == 4) return {0.5f + 0.5f * erff(x * 0.70710678f), bell};
  // Hastings' approximation of erf, 7.1.26 in Abramowitz and Stegun: off by at most 1.5e-7, which no half precision keeps.
  const float z = fabsf(x) * 0.70710678f;
  const float t = __fdividef(1.0f, 1.0f + 0.3275911f * z);
  const float sum = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  const float above = 0.5f * sum * bell;
  return {x < 0 ? above : 1.0f - above, bell};
}

KERNEL gelu(const ELEMENT *input, ELEMENT *output, long long packs) {
  const long long step = (long long)gridDim.x * blockDim.x;
#pragma unroll 2
  for (long long pack = (long long)blockIdx.x * blockDim.x + threadIdx.x; pack < packs; pack += step) {
    float values[PACK];
    load<PACK>(input + pack * PACK, values);
#pragma unroll
    for (int i = 0; i < PACK; ++i) values[i] *= normal(values[i]).below;
    store<PACK>(values, output + pack * PACK);
  }
}

// `gradient`, that of gelu(input), becomes that of the input, whose sums are taken; `activated` becomes gelu(input).
KERNEL gelu_backward(const ELEMENT *input, ELEMENT *gradient, ELEMENT *activated, float *partial, long long rows,
                     int width) {
  float sums[PACK];
  walk(rows, width, sums, partial, [&](long long place, long long) {
    float values[PACK], slopes[PACK];
    load<PACK>(input + place, values);
    load<PACK>(gradient + place, slopes);
#pragma unroll
    for (int i = 0; i < PACK; ++i) {
      const float x = values[i];
      const Normal at = normal(x);
      slopes[i] = rounded(slopes[i] * (at.below + x * at.bell * 0.39894228f));
      values[i] = x * at.below;
    }
    add(slopes, sums);
    store<PACK>(slopes, gradient + place);
    store<PACK>(values, activated + place);
  });
}
