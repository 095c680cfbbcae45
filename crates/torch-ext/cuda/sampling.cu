// Weighted sums of rows: output[r] = sum over k of weights[r, k] * tokens[places[r, k]], `neighbours` rows each.

KERNEL weighted_rows(const float *tokens, const long long *places, const float *weights, float *output, long long packs,
                     int neighbours, int width) {
  const long long step = (long long)gridDim.x * blockDim.x;
  for (long long pack = (long long)blockIdx.x * blockDim.x + threadIdx.x; pack < packs; pack += step) {
    const long long row = pack / (width / PACK);
    const int column = pack % (width / PACK) * PACK;
    float sums[PACK];
#pragma unroll
    for (int i = 0; i < PACK; ++i) sums[i] = 0;
    for (int k = 0; k < neighbours; ++k) {
      const float weight = weights[row * neighbours + k];
      float values[PACK];
      load<PACK>(tokens + places[row * neighbours + k] * width + column, values);
#pragma unroll
      for (int i = 0; i < PACK; ++i) sums[i] += weight * values[i];
    }
    store<PACK>(sums, output + pack * PACK);
  }
}
