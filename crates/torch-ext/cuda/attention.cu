// Attention among the tokens of an image, a block for each head: keys and values stay in shared memory, scores in registers. Warps
// take tiles of queries in turn.

// No score yet. Not -infinity, whose difference to itself is no number.
#define LOWEST (-3.0e38f)
// By how many powers of 2 a share may be above 1 before the largest score is looked up anew.
#define AHEAD 8

#define FORWARD_WARPS 4
#define FORWARD_BLOCKS 4
// Tiles of keys between two looks for a larger score, tiles of queries that a warp has at once.
#define KEY_TILES (TILES < 4 ? TILES : 2)
#define ROW_TILES 1

// Over the four lanes that share rows.
__device__ inline float row_max(float value) {
  value = fmaxf(value, __shfl_xor_sync(~0u, value, 1));
  return fmaxf(value, __shfl_xor_sync(~0u, value, 2));
}

__device__ inline float row_sum(float value) {
  value += __shfl_xor_sync(~0u, value, 1);
  return value + __shfl_xor_sync(~0u, value, 2);
}

// What `begin_copy` brings is waited for once, by the whole block.
struct Arrival {
  bool seen;

  __device__ void wait() {
    if (seen) return;
    end_copies();
    __syncthreads();
    seen = true;
  }
};

// Attention of some tiles of queries over the keys so far: shares that are not yet divided by their sum.
template <int COUNT>
struct Attended {
  Word query[COUNT][HEAD / TILE][4];
  float output[COUNT][HEAD / 8][4];
  // Of rows r and r + 8; sums of this lane's keys alone.
  float largest[COUNT][2], sum[COUNT][2];

  // Goes over some tiles of keys.
  template <int KEYS>
  __device__ void add(const Matrix &keys, const Matrix &values, int tile) {
    float scores[COUNT][2 * KEYS][4] = {};
#pragma unroll
    for (int i = 0; i < KEYS; ++i) {
#pragma unroll
      for (int step = 0; step < HEAD / TILE; ++step) {
        Word right[4];
        keys.right(right, tile + i, step);
#pragma unroll
        for (int own = 0; own < COUNT; ++own)
          multiply_both(scores[own][2 * i], scores[own][2 * i + 1], query[own][step], right);
      }
    }
#pragma unroll
    for (int own = 0; own < COUNT; ++own) {
      if (WIDTH % TILE != 0 && tile + KEYS == TILES) mask(scores[own][2 * KEYS - 2], scores[own][2 * KEYS - 1]);
    }
    follow(scores);
#pragma unroll
    for (int own = 0; own < COUNT; ++own) {
#pragma unroll
      for (int lower = 0; lower < 2; ++lower) weigh(scores[own], own, lower);
    }
#pragma unroll
    for (int i = 0; i < KEYS; ++i) {
      Word shares[COUNT][4];
#pragma unroll
      for (int own = 0; own < COUNT; ++own) as_left(shares[own], scores[own][2 * i], scores[own][2 * i + 1]);
#pragma unroll
      for (int step = 0; step < HEAD / TILE; ++step) {
        Word right[4];
        values.right_of_rows(right, tile + i, step);
#pragma unroll
        for (int own = 0; own < COUNT; ++own)
          multiply_both(output[own][2 * step], output[own][2 * step + 1], shares[own], right);
      }
    }
  }

  // The last tile has keys beyond the last token.
  __device__ static void mask(float (&first)[4], float (&second)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int key = 2 * (lane() % 4) + i % 2;
      if (key >= WIDTH - TILE * (TILES - 1)) first[i] = LOWEST;
      if (key + 8 >= WIDTH - TILE * (TILES - 1)) second[i] = LOWEST;
    }
  }

  // Where scores are far above the largest one so far, they bring a new one, to which what was summed before is scaled.
  template <int SCORES>
  __device__ void follow(const float (&scores)[COUNT][SCORES][4]) {
    float tops[COUNT][2];
    bool far = false;
#pragma unroll
    for (int own = 0; own < COUNT; ++own) {
#pragma unroll
      for (int lower = 0; lower < 2; ++lower) {
        float top = largest[own][lower];
#pragma unroll
        for (int i = 0; i < SCORES; ++i) top = fmaxf(top, fmaxf(scores[own][i][2 * lower], scores[own][i][2 * lower + 1]));
        top = row_max(top);
        far |= (top - largest[own][lower]) * FACTOR > AHEAD;
        tops[own][lower] = top;
      }
    }
    if (!__any_sync(~0u, far)) return;
#pragma unroll
    for (int own = 0; own < COUNT; ++own) {
#pragma unroll
      for (int lower = 0; lower < 2; ++lower) {
        const float factor = power_of_two((largest[own][lower] - tops[own][lower]) * FACTOR);
#pragma unroll
        for (int i = 0; i < HEAD / 8; ++i) {
          output[own][i][2 * lower] *= factor;
          output[own][i][2 * lower + 1] *= factor;
        }
        largest[own][lower] = tops[own][lower];
        sum[own][lower] *= factor;
      }
    }
  }

  // Scores of a row become shares.
  template <int SCORES>
  __device__ void weigh(float (&scores)[SCORES][4], int own, int lower) {
    const int at = 2 * lower;
    const float offset = -largest[own][lower] * FACTOR;
    float total = 0;
#pragma unroll
    for (int i = 0; i < SCORES; ++i) {
#pragma unroll
      for (int j = at; j < at + 2; ++j) {
        scores[i][j] = power_of_two(scores[i][j] * FACTOR + offset);
        total += scores[i][j];
      }
    }
    sum[own][lower] += total;
  }
};

// The rows of queries that a block of `forward` answers.
struct Asking {
  const ELEMENT *queries;
  ELEMENT *output;
  float *normalisers;
  int stride, width, count;
};

// Some tiles of them, from `tile` on.
template <int COUNT>
__device__ inline void attend(const Asking &asking, const Matrix &keys, const Matrix &values, int tile,
                              Arrival &arrival) {
  Attended<COUNT> rows;
#pragma unroll
  for (int own = 0; own < COUNT; ++own) {
    const int first = (tile + own) * TILE;
    load_rows(rows.query[own], asking.queries + first * asking.stride, asking.stride, asking.count - first);
#pragma unroll
    for (int i = 0; i < HEAD / 8; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) rows.output[own][i][j] = 0;
    }
#pragma unroll
    for (int lower = 0; lower < 2; ++lower) {
      rows.largest[own][lower] = LOWEST;
      rows.sum[own][lower] = 0;
    }
  }
  arrival.wait();
#pragma unroll 1
  for (int key = 0; key + KEY_TILES <= TILES; key += KEY_TILES) rows.template add<KEY_TILES>(keys, values, key);
  if constexpr (TILES % KEY_TILES != 0)
    rows.template add<TILES % KEY_TILES>(keys, values, TILES - TILES % KEY_TILES);
#pragma unroll
  for (int own = 0; own < COUNT; ++own) {
    const int first = (tile + own) * TILE;
    float factors[2];
#pragma unroll
    for (int lower = 0; lower < 2; ++lower) {
      const float sum = row_sum(rows.sum[own][lower]);
      const int row = first + lane() / 4 + 8 * lower;
      factors[lower] = 1 / sum;
      if (lane() % 4 == 0 && row < asking.count)
        asking.normalisers[row] = (rows.largest[own][lower] * FACTOR + log2f(sum)) / LOG2_E;
    }
    store_rows(rows.output[own], factors[0], factors[1], asking.output + first * asking.width, asking.width,
               asking.count - first);
  }
}

// softmax(q kT / 8) v to `output`, the logarithms of the softmaxes' sums to `normalisers`.
KERNEL __launch_bounds__(FORWARD_WARPS *WARP, FORWARD_BLOCKS)
    forward(const ELEMENT *packed, ELEMENT *output, float *normalisers, int queries, int heads) {
  SHARED_MEMORY(memory);
  const Place place(blockIdx.x, queries, heads);
  const int stride = 3 * place.width;
  const Matrix keys = {shared_address(memory)}, values = {keys.address + TILES * TILE_BYTES};
  packed += place.packed;
  keys.begin(packed + place.width, stride, WIDTH, TILES);
  values.begin(packed + 2 * place.width, stride, WIDTH, TILES);
  const Asking asking = {packed, output + place.joined, normalisers + (long long)blockIdx.x * queries,
                         stride, place.width,           queries};
  Arrival arrival = {false};
  const int tiles = tiles_of(queries);
  for (int tile = threadIdx.x / WARP * ROW_TILES; tile < tiles; tile += blockDim.x / WARP * ROW_TILES) {
    if (ROW_TILES == 1 || tile + ROW_TILES <= tiles)
      attend<ROW_TILES>(asking, keys, values, tile, arrival);
    else
      attend<1>(asking, keys, values, tile, arrival);
  }
  // A warp without queries has copied too.
  arrival.wait();
}
