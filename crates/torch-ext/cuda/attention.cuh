// What attention's kernels share: heads in shared memory, tiles of 16 rows in registers and in global memory.
//
// Of ELEMENT bf16 or fp16, for images of WIDTH tokens and heads of 64 values. Rows of `packed` hold queries, keys and values beside
// each other, head by head. Of each image the first `queries` tokens ask.

#define HEAD 64
#define TILE 16
#define TILES ((WIDTH + TILE - 1) / TILE)
#define LOG2_E 1.44269504f
// Scores are q . k / 8; powers are those of 2.
#define SCALE 0.125f
#define FACTOR (SCALE * LOG2_E)

#define ROW_BYTES (HEAD * 2)
#define TILE_BYTES (TILE * ROW_BYTES)
// Values in 16 bytes.
#define CHUNK 8

typedef unsigned int Word;

__device__ inline int lane() { return threadIdx.x % WARP; }
__device__ inline int tiles_of(int rows) { return (rows + TILE - 1) / TILE; }

// A matrix in shared memory, a head's 64 values a row; what is beyond its last row is zero. The chunks of a row are swapped so that
// the same ones of eight rows lie in different banks.
struct Matrix {
  Word address;

  __device__ static int place(int row, int chunk) { return row * ROW_BYTES + (chunk ^ row % 8) * 16; }

  // Begins to copy rows of global memory; those from `count` on are zero.
  __device__ void begin(const ELEMENT *from, int stride, int count, int tiles) const {
    for (int i = threadIdx.x; i < tiles * TILE * (HEAD / CHUNK); i += blockDim.x) {
      const int row = i / (HEAD / CHUNK), chunk = i % (HEAD / CHUNK);
      const bool zeros = row >= count;
      begin_copy(address + place(row, chunk), from + (zeros ? 0 : row * stride) + chunk * CHUNK, zeros);
    }
  }

  __device__ void chunk(Word (&words)[4], int row, int chunk) const { load_words(words, address + place(row, chunk)); }

  // Rows of a tile as the left side of a product that sums over columns: 16 columns from 16 step on.
  __device__ void left(Word (&words)[4], int tile, int step) const {
    load_matrices(words, address + tile * TILE_BYTES + (place(lane() % 16, lane() / 16) ^ step * 32));
  }

  // Rows of a tile as the right side of a product that sums over columns: two words for rows 0-7, two for the rest.
  __device__ void right(Word (&words)[4], int tile, int step) const {
    load_matrices(words, address + tile * TILE_BYTES + (place(lane() % 8 + lane() / 16 * 8, lane() / 8 % 2) ^ step * 32));
  }

  // As the right side of a product that sums over rows: two words for columns 16 step to 16 step + 7, two for the next.
  __device__ void right_of_rows(Word (&words)[4], int tile, int step) const {
    load_turned(words, address + tile * TILE_BYTES + (place(lane() % 16, lane() / 16) ^ step * 32));
  }
};

// Sums of a tile's products with both halves of what `right` loads.
__device__ inline void multiply_both(float (&first)[4], float (&second)[4], const Word (&left)[4], const Word (&right)[4]) {
  multiply<ELEMENT>(first, left, right[0], right[1]);
  multiply<ELEMENT>(second, left, right[2], right[3]);
}

// Sums beside each other, 16 columns, as the left side of a product.
__device__ inline void as_left(Word (&left)[4], const float (&first)[4], const float (&second)[4]) {
  left[0] = word<ELEMENT>(first[0], first[1]);
  left[1] = word<ELEMENT>(first[2], first[3]);
  left[2] = word<ELEMENT>(second[0], second[1]);
  left[3] = word<ELEMENT>(second[2], second[3]);
}

// Word i of lane c of four becomes word c of lane i.
__device__ inline void turn_words(Word (&words)[4]) {
#pragma unroll
  for (int distance = 1; distance < 4; distance *= 2) {
    const bool upper = lane() & distance;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (i & distance) continue;
      const int j = i + distance;
      const Word received = __shfl_xor_sync(~0u, upper ? words[i] : words[j], distance);
      words[i] = upper ? received : words[i];
      words[j] = upper ? words[j] : received;
    }
  }
}

// Of both values of two words.
__device__ inline float product(Word a, Word b) {
  const auto value = [](Word bits) { return read(ELEMENT{static_cast<unsigned short>(bits)}); };
  return value(a) * value(b) + value(a >> 16) * value(b >> 16);
}

struct alignas(16) Chunk {
  Word words[4];
};

// The first `count` rows of a tile in global memory, zeros after them, as left sides: 16 columns each.
__device__ inline void load_rows(Word (&left)[HEAD / TILE][4], const ELEMENT *rows, int stride, int count) {
#pragma unroll
  for (int lower = 0; lower < 2; ++lower) {
    const int row = lane() / 4 + 8 * lower;
#pragma unroll
    for (int part = 0; part < 2; ++part) {
      Chunk chunk = {0, 0, 0, 0};
      if (row < count) chunk = *reinterpret_cast<const Chunk *>(rows + row * stride + (4 * part + lane() % 4) * CHUNK);
      turn_words(chunk.words);
#pragma unroll
      for (int i = 0; i < 4; ++i) left[2 * part + i / 2][lower + i % 2 * 2] = chunk.words[i];
    }
  }
}

// Sums of a tile, times a factor for each of a lane's rows, to its first `count` rows in global memory.
__device__ inline void store_rows(const float (&sums)[HEAD / 8][4], float first, float second, ELEMENT *rows, int stride,
                                  int count) {
#pragma unroll
  for (int lower = 0; lower < 2; ++lower) {
    const int row = lane() / 4 + 8 * lower;
    const float factor = lower ? second : first;
#pragma unroll
    for (int part = 0; part < 2; ++part) {
      Chunk chunk;
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float *pair = sums[4 * part + i] + 2 * lower;
        chunk.words[i] = word<ELEMENT>(pair[0] * factor, pair[1] * factor);
      }
      turn_words(chunk.words);
      if (row < count) *reinterpret_cast<Chunk *>(rows + row * stride + (4 * part + lane() % 4) * CHUNK) = chunk;
    }
  }
}

// Where a head lies in rows of tokens and of queries.
struct Place {
  long long packed, joined;
  int width;

  __device__ Place(int index, int queries, int heads) {
    width = heads * HEAD;
    const long long image = index / heads, column = index % heads * HEAD;
    packed = image * (3 * WIDTH * width) + column;
    joined = image * (queries * width) + column;
  }
};
