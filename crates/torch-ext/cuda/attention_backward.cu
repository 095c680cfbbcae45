// The gradient of attention among the tokens of an image. A block has one head after another: rows of queries, keys and values stay
// in shared memory, and so do the gradients of scores, which warps with keys make for warps with queries.

// Tiles of keys of a warp: there are as many warps as that takes. Of many tiles it has two, whose products share what they load.
#define OWN_TILES (TILES > 4 ? 2 : 1)
#define BACKWARD_WARPS ((TILES + OWN_TILES - 1) / OWN_TILES)
#define BACKWARD_THREADS (BACKWARD_WARPS * WARP)
#define BACKWARD_BLOCKS ((OWN_TILES == 1 ? 384 : 256) / BACKWARD_THREADS)

// What a block of `backward` keeps in shared memory.
struct Kept {
  // Those of the head and of the next one, in turns.
  Matrix both_keys;
  Matrix values, queries, gradients;
  // Of each query: logarithm of the softmax's sum to base 2, and the mean of the shares' gradients.
  float *normalisers, *means;
  // Gradients of the scores, turned, in tiles of 16 keys x 16 queries: four matrices of 8 x 8 each.
  Word *slopes;
  int tiles;

  __device__ Kept(unsigned char *memory, int asked) {
    tiles = tiles_of(asked);
    const int of_tokens = TILES * TILE_BYTES, of_queries = tiles * TILE_BYTES;
    both_keys.address = shared_address(memory);
    values.address = both_keys.address + 2 * of_tokens;
    queries.address = values.address + of_tokens;
    gradients.address = queries.address + of_queries;
    slopes = reinterpret_cast<Word *>(memory + 3 * of_tokens + 2 * of_queries);
    normalisers = reinterpret_cast<float *>(slopes + TILES * tiles * (TILE * TILE / 2));
    means = normalisers + tiles * TILE;
  }

  __device__ Matrix keys(int turn) const { return {both_keys.address + turn * (TILES * TILE_BYTES)}; }

  __device__ Word *slopes_of(int key_tile, int tile) const {
    return slopes + (key_tile * tiles + tile) * (TILE * TILE / 2);
  }
};

// The memory that `backward` reads and writes.
struct Passed {
  const ELEMENT *packed;
  const float *normalisers;
  const ELEMENT *output, *gradient;
  ELEMENT *received;
  int queries, heads;
};

// A head of it.
struct Head {
  const ELEMENT *packed;
  const float *normalisers;
  const ELEMENT *output, *gradient;
  ELEMENT *received;
  int width, stride;

  // Computed where it is used: remembered, the addresses would take registers from the products.
  __device__ Head(const Passed &all, int remembered) {
    const int index = anew(remembered);
    const Place place(index, all.queries, all.heads);
    width = place.width;
    stride = 3 * width;
    packed = all.packed + place.packed;
    received = all.received + place.packed;
    normalisers = all.normalisers + (long long)index * all.queries;
    output = all.output + place.joined;
    gradient = all.gradient + place.joined;
  }

  __device__ void begin_tokens(const Kept &kept, int turn) const {
    kept.keys(turn).begin(packed + width, stride, WIDTH, TILES);
    kept.values.begin(packed + 2 * width, stride, WIDTH, TILES);
  }

  __device__ void begin_queries(const Kept &kept, int queries) const {
    kept.queries.begin(packed, stride, queries, kept.tiles);
    kept.gradients.begin(gradient, width, queries, kept.tiles);
  }
};

// The output of the queries, on its way while something else is computed. Eight threads have a row.
struct Outputs {
  static constexpr int step = BACKWARD_THREADS / 8, count = (TILES * TILE + step - 1) / step;
  Chunk values[count];
  float normalisers[count];

  __device__ void begin(const Head &head, int queries) {
    const int part = threadIdx.x % 8;
#pragma unroll
    for (int i = 0; i < count; ++i) {
      const int row = i * step + threadIdx.x / 8;
      // Queries beyond the last have no gradient, whatever their shares.
      normalisers[i] = 0;
      values[i] = {0, 0, 0, 0};
      if (row >= queries) continue;
      values[i] = *reinterpret_cast<const Chunk *>(head.output + row * head.width + part * CHUNK);
      normalisers[i] = head.normalisers[row];
    }
  }

  // The mean of the gradients of a query's shares is output . gradient.
  __device__ void end(const Kept &kept) const {
    const int part = threadIdx.x % 8;
#pragma unroll
    for (int i = 0; i < count; ++i) {
      const int row = i * step + threadIdx.x / 8;
      if (i * step >= kept.tiles * TILE) break;
      float sum = 0;
      if (row < kept.tiles * TILE) {
        Chunk gradients;
        kept.gradients.chunk(gradients.words, row, part);
#pragma unroll
        for (int j = 0; j < 4; ++j) sum += product(values[i].words[j], gradients.words[j]);
      }
      for (int distance = 4; distance > 0; distance /= 2) sum += __shfl_xor_sync(~0u, sum, distance);
      if (part != 0 || row >= kept.tiles * TILE) continue;
      kept.means[row] = sum;
      kept.normalisers[row] = normalisers[i] * LOG2_E;
    }
  }
};

// Gradients of some tiles of keys and values, from `first` on.
template <int COUNT>
struct OfKeys {
  int first;
  Word key[COUNT][HEAD / TILE][4], value[COUNT][HEAD / TILE][4];
  float of_key[COUNT][HEAD / 8][4], of_value[COUNT][HEAD / 8][4];

  __device__ OfKeys(const Matrix &keys, const Matrix &values, int tile) : first(tile) {
#pragma unroll
    for (int own = 0; own < COUNT; ++own) {
#pragma unroll
      for (int step = 0; step < HEAD / TILE; ++step) {
        keys.left(key[own][step], first + own, step);
        values.left(value[own][step], first + own, step);
      }
#pragma unroll
      for (int i = 0; i < HEAD / 8; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) of_key[own][i][j] = of_value[own][i][j] = 0;
      }
    }
  }

  // Goes over a tile of queries.
  __device__ void add(const Kept &kept, int tile) {
    // [16 keys, 16 queries] each.
    float shares[COUNT][2][4] = {}, slopes[COUNT][2][4] = {};
#pragma unroll
    for (int step = 0; step < HEAD / TILE; ++step) {
      Word right[4];
      kept.queries.right(right, tile, step);
#pragma unroll
      for (int own = 0; own < COUNT; ++own) multiply_both(shares[own][0], shares[own][1], key[own][step], right);
      kept.gradients.right(right, tile, step);
#pragma unroll
      for (int own = 0; own < COUNT; ++own) multiply_both(slopes[own][0], slopes[own][1], value[own][step], right);
    }
    weigh(kept, tile, shares, slopes);
    Word share[COUNT][4], slope[COUNT][4];
#pragma unroll
    for (int own = 0; own < COUNT; ++own) {
      as_left(share[own], shares[own][0], shares[own][1]);
      as_left(slope[own], slopes[own][0], slopes[own][1]);
      Word *to = kept.slopes_of(first + own, tile) + lane();
      to[0] = slope[own][0];
      to[2 * WARP] = slope[own][1];
      to[WARP] = slope[own][2];
      to[3 * WARP] = slope[own][3];
    }
#pragma unroll
    for (int step = 0; step < HEAD / TILE; ++step) {
      Word right[4];
      kept.gradients.right_of_rows(right, tile, step);
#pragma unroll
      for (int own = 0; own < COUNT; ++own)
        multiply_both(of_value[own][2 * step], of_value[own][2 * step + 1], share[own], right);
      kept.queries.right_of_rows(right, tile, step);
#pragma unroll
      for (int own = 0; own < COUNT; ++own)
        multiply_both(of_key[own][2 * step], of_key[own][2 * step + 1], slope[own], right);
    }
  }

  // Scores become shares, gradients of shares those of scores.
  __device__ void weigh(const Kept &kept, int tile, float (&shares)[COUNT][2][4], float (&slopes)[COUNT][2][4]) const {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int query = tile * TILE + 8 * half + 2 * (lane() % 4);
      const float normalisers[2] = {kept.normalisers[query], kept.normalisers[query + 1]};
      const float means[2] = {kept.means[query], kept.means[query + 1]};
#pragma unroll
      for (int own = 0; own < COUNT; ++own) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          float share = power_of_two(shares[own][half][i] * FACTOR - normalisers[i % 2]);
          // Keys beyond the last token have no shares.
          if (WIDTH % TILE != 0 && (first + own) * TILE + lane() / 4 + i / 2 * 8 >= WIDTH) share = 0;
          shares[own][half][i] = share;
          slopes[own][half][i] = share * (slopes[own][half][i] - means[i % 2]);
        }
      }
    }
  }

  __device__ void store(const Head &head) const {
#pragma unroll
    for (int own = 0; own < COUNT; ++own) {
      const int row = (first + own) * TILE;
      ELEMENT *to = head.received + row * head.stride + head.width;
      store_rows(of_key[own], SCALE, SCALE, to, head.stride, WIDTH - row);
      store_rows(of_value[own], 1, 1, to + head.width, head.stride, WIDTH - row);
    }
  }
};

// Gradients of some tiles of queries, from `tile` on, to global memory.
template <int COUNT>
__device__ inline void store_queries(const Kept &kept, const Matrix &keys, int tile, const Head &head) {
  float sums[COUNT][HEAD / 8][4] = {};
  // Tokens that did not ask have queries without a gradient.
  if (tile < kept.tiles) {
#pragma unroll 2
    for (int key_tile = 0; key_tile < TILES; ++key_tile) {
      Word left[COUNT][4];
#pragma unroll
      for (int own = 0; own < COUNT; ++own)
        load_turned(left[own], shared_address(kept.slopes_of(key_tile, tile + own) + 4 * lane()));
#pragma unroll
      for (int step = 0; step < HEAD / TILE; ++step) {
        Word right[4];
        keys.right_of_rows(right, key_tile, step);
#pragma unroll
        for (int own = 0; own < COUNT; ++own)
          multiply_both(sums[own][2 * step], sums[own][2 * step + 1], left[own], right);
      }
    }
  }
#pragma unroll
  for (int own = 0; own < COUNT; ++own) {
    const int first = (tile + own) * TILE;
    store_rows(sums[own], SCALE, SCALE, head.received + first * head.stride, head.stride, WIDTH - first);
  }
}

// All heads of a block, for a warp with so many tiles. What the next head needs is on its way while this one is computed, each part
// since nobody reads what was in its place.
template <int COUNT>
__device__ inline void each_head(const Kept &kept, const Passed &all, int count) {
  const int tile = threadIdx.x / WARP * OWN_TILES;
  Outputs outputs;
  const Head first(all, blockIdx.x);
  first.begin_tokens(kept, 0);
  first.begin_queries(kept, all.queries);
  outputs.begin(first, all.queries);
  int turn = 0;
#pragma unroll 1
  for (int index = blockIdx.x; index < count; index += gridDim.x) {
    const bool goes_on = index + gridDim.x < count;
    end_copies();
    __syncthreads();
    outputs.end(kept);
    {
      OfKeys<COUNT> rows(kept.keys(turn), kept.values, tile);
      __syncthreads();
      if (goes_on) Head(all, index + gridDim.x).begin_tokens(kept, 1 - turn);
#pragma unroll 1
      for (int query = 0; query < kept.tiles; ++query) rows.add(kept, query);
      rows.store(Head(all, index));
    }
    __syncthreads();
    const Head next(all, index + gridDim.x);
    if (goes_on) next.begin_queries(kept, all.queries);
    // Without a next head none, so that those of this one need not be remembered.
    outputs.begin(next, goes_on ? all.queries : 0);
    // A last tile of queries may be one of two.
    if (COUNT == 1 || tile + COUNT <= kept.tiles || tile >= kept.tiles) {
      store_queries<COUNT>(kept, kept.keys(turn), tile, Head(all, index));
    } else {
#pragma unroll 1
      for (int own = 0; own < COUNT; ++own) store_queries<1>(kept, kept.keys(turn), tile + own, Head(all, index));
    }
    turn = 1 - turn;
  }
}

// The gradient of `packed` to `received`, from that of the output: of so many heads of images.
KERNEL __launch_bounds__(BACKWARD_THREADS, BACKWARD_BLOCKS)
    backward(const ELEMENT *packed, const float *normalisers, const ELEMENT *output, const ELEMENT *gradient,
             ELEMENT *received, int queries, int heads, int count) {
  SHARED_MEMORY(memory);
  const Kept kept(memory, queries);
  const Passed all = {packed, normalisers, output, gradient, received, queries, heads};
  if (threadIdx.x / WARP * OWN_TILES + OWN_TILES <= TILES)
    each_head<OWN_TILES>(kept, all, count);
  else
    each_head<1>(kept, all, count);
}
