// The weight-normalised prototypes, fp32: `directions` [rows, WIDTH], each brought to its norm, [rows].

__device__ inline float square_sum(const Row &row) {
  return row_sum([&](int place, int i) { return row.values[place][i] * row.values[place][i]; });
}

KERNEL prototypes(const float *directions, const float *norms, float *output, long long rows) {
  for (long long index = first_row(); index < rows; index += row_step()) {
    Row row;
    load_row(directions + index * WIDTH, row);
    const float scale = norms[index] / sqrtf(square_sum(row));
    each_value([&](int place, int i) { row.values[place][i] *= scale; });
    store_row(row, output + index * WIDTH);
  }
}

// `gradient`, that of the prototypes, becomes that of the directions; `of_norms` [rows] gets that of the norms.
KERNEL gradients(const float *directions, const float *norms, float *gradient, float *of_norms, long long rows) {
  for (long long index = first_row(); index < rows; index += row_step()) {
    Row direction, row;
    load_row(directions + index * WIDTH, direction);
    load_row(gradient + index * WIDTH, row);
    const float length = sqrtf(square_sum(direction));
    const float product =
        row_sum([&](int place, int i) { return row.values[place][i] * direction.values[place][i]; });
    const float along = product / length, part = along / length, scale = norms[index] / length;
    each_value([&](int place, int i) {
      row.values[place][i] = (row.values[place][i] - direction.values[place][i] * part) * scale;
    });
    store_row(row, gradient + index * WIDTH);
    if (threadIdx.x % WARP == 0) of_norms[index] = along;
  }
}
