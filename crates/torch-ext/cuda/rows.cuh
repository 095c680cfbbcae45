// Rows of WIDTH values: a warp works on a row, whose values it keeps in registers, and goes on to another.

#define PACKS ((WIDTH + WARP * PACK - 1) / (WARP * PACK))

struct Row {
  float values[PACKS][PACK];
};

// Calls body(place, column) for each pack of a row that this lane has.
template <class Body>
__device__ inline void each_pack(Body body) {
  const int lane = threadIdx.x % WARP;
#pragma unroll
  for (int place = 0; place < PACKS; ++place) {
    const int column = (place * WARP + lane) * PACK;
    if (WIDTH % (WARP * PACK) == 0 || column < WIDTH) body(place, column);
  }
}

template <class T>
__device__ inline void load_row(const T *from, Row &row) {
  each_pack([&](int place, int column) { load<PACK>(from + column, row.values[place]); });
}

template <class T>
__device__ inline void store_row(const Row &row, T *to) {
  each_pack([&](int place, int column) { store<PACK>(row.values[place], to + column); });
}

// Sum over the whole row of what body(place, i) gives.
template <class Body>
__device__ inline float row_sum(Body body) {
  float sum = 0;
  each_pack([&](int place, int) {
#pragma unroll
    for (int i = 0; i < PACK; ++i) sum += body(place, i);
  });
  return warp_sum(sum);
}

template <class Body>
__device__ inline void each_value(Body body) {
  each_pack([&](int place, int) {
#pragma unroll
    for (int i = 0; i < PACK; ++i) body(place, i);
  });
}

// This warp's number in the grid, and the warps of the grid.
__device__ inline long long first_row() { return (long long)blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP; }
__device__ inline long long row_step() { return (long long)gridDim.x * (blockDim.x / WARP); }
