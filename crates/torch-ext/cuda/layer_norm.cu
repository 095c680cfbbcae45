// Layer normalisation of fp32 rows of WIDTH values, its gradient, and the residual branches beside it.

// Rows of fp32, or the sums of tokens + factor * output, normalised. `output`, `factors` (one a row; null: 1) and `sums` belong to
// a branch, null without one; `normed` and `moments` (mean and inverse deviation of each row) are null where nothing is
// normalised.
KERNEL forward(const float *tokens, const ELEMENT *output, const float *factors, float *sums, const float *weight,
               const float *bias, ELEMENT *normed, float *moments, long long rows, float epsilon) {
  Row scale, shift;
  if (normed) {
    load_row(weight, scale);
    load_row(bias, shift);
  }
  for (long long index = first_row(); index < rows; index += row_step()) {
    Row row;
    load_row(tokens + index * WIDTH, row);
    if (output) {
      Row branch;
      load_row(output + index * WIDTH, branch);
      const float factor = factors ? factors[index] : 1;
      each_value([&](int place, int i) { row.values[place][i] += factor * branch.values[place][i]; });
      store_row(row, sums + index * WIDTH);
    }
    if (!normed) continue;
    const float mean = row_sum([&](int place, int i) { return row.values[place][i]; }) / WIDTH;
    const float variance = row_sum([&](int place, int i) {
                             const float distance = row.values[place][i] - mean;
                             return distance * distance;
                           }) / WIDTH;
    const float inverse = rsqrtf(variance + epsilon);
    each_value([&](int place, int i) {
      const float unit = (row.values[place][i] - mean) * inverse;
      row.values[place][i] = unit * scale.values[place][i] + shift.values[place][i];
    });
    store_row(row, normed + index * WIDTH);
    if (threadIdx.x % WARP == 0) {
      moments[2 * index] = mean;
      moments[2 * index + 1] = inverse;
    }
  }
}

// Adds what each warp of a block has summed to one row of sums, a warp after the other, which keeps their order.
__device__ inline void add_in_turn(const Row &own, float *sums) {
  for (int warp = 0; warp < blockDim.x / WARP; ++warp) {
    if (threadIdx.x / WARP == warp) {
      each_pack([&](int place, int column) {
#pragma unroll
        for (int i = 0; i < PACK; ++i) {
          const float before = warp == 0 ? 0 : sums[column + i];
          sums[column + i] = before + own.values[place][i];
        }
      });
    }
    __syncthreads();
  }
}

// Adds the gradient of the rows to `sums`, in place, from that of the rows normalised. Then, where `branch` is not null, writes
// factor * sums to it. `partial` gets a row [3, WIDTH] of each block: gradients of weight and bias, and the sum of the branch's
// rows.
KERNEL backward(const ELEMENT *gradient, const float *input, const float *moments, const float *weight, float *sums,
                const float *factors, ELEMENT *branch, float *partial, long long rows) {
  Row scale, of_weight, of_bias, of_branch;
  load_row(weight, scale);
  each_value([&](int place, int i) {
    of_weight.values[place][i] = 0;
    of_bias.values[place][i] = 0;
    of_branch.values[place][i] = 0;
  });
  for (long long index = first_row(); index < rows; index += row_step()) {
    Row slope, unit, sum;
    load_row(gradient + index * WIDTH, slope);
    load_row(input + index * WIDTH, unit);
    load_row(sums + index * WIDTH, sum);
    const float mean = moments[2 * index], inverse = moments[2 * index + 1];
    each_value([&](int place, int i) {
      float &value = slope.values[place][i], &distance = unit.values[place][i];
      distance = (distance - mean) * inverse;
      of_weight.values[place][i] += value * distance;
      of_bias.values[place][i] += value;
      value *= scale.values[place][i];
    });
    const float level = row_sum([&](int place, int i) { return slope.values[place][i]; }) / WIDTH;
    const float along =
        row_sum([&](int place, int i) { return slope.values[place][i] * unit.values[place][i]; }) / WIDTH;
    each_value([&](int place, int i) {
      sum.values[place][i] += (slope.values[place][i] - level - unit.values[place][i] * along) * inverse;
    });
    store_row(sum, sums + index * WIDTH);
    if (!branch) continue;
    const float factor = factors ? factors[index] : 1;
    each_value([&](int place, int i) {
      sum.values[place][i] = rounded(sum.values[place][i] * factor);
      of_branch.values[place][i] += sum.values[place][i];
    });
    store_row(sum, branch + index * WIDTH);
  }
  __shared__ float totals[WIDTH];
  float *own = partial + (long long)blockIdx.x * 3 * WIDTH;
  const Row *each[] = {&of_weight, &of_bias, &of_branch};
#pragma unroll
  for (int part = 0; part < 3; ++part) {
    add_in_turn(*each[part], totals);
    for (int column = threadIdx.x; column < WIDTH; column += blockDim.x) own[part * WIDTH + column] = totals[column];
    __syncthreads();
  }
}
