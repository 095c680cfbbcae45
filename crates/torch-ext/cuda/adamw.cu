// One update by AdamW of many parameters, and of the teacher that follows: each array is read and written once. All are fp32.

struct Entry {
  // Number of the first block that works on it.
  long long first_block, count;
  // Null without a gradient: the teacher alone moves then.
  float *parameter, *gradient, *first, *second;
  // Null: nobody follows.
  float *follower;
  // What the gradient is multiplied by; null: 1.
  const float *factor;
  // Share of the parameter that weight decay leaves; step size, and what the root of the second moment is multiplied by, both with
  // the corrections of the first updates.
  float kept, step, root_factor, unused;
};

#define BLOCK_VALUES 8192

// Shares of a new gradient in the moments, and what is added to the root of the second.
struct Rule {
  float fresh1, fresh2, epsilon;
};

__device__ inline void updated(float &parameter, float gradient, float &first, float &second, const Entry &entry,
                               Rule rule) {
  parameter *= entry.kept;
  first += rule.fresh1 * (gradient - first);
  second += rule.fresh2 * (gradient * gradient - second);
  parameter -= entry.step * first / (sqrtf(second) * entry.root_factor + rule.epsilon);
}

// COUNT values from `place` on.
template <int COUNT>
__device__ inline void update(const Entry &entry, long long place, float factor, bool learns, float share, Rule rule) {
  float parameter[COUNT];
  load<COUNT>(entry.parameter + place, parameter);
  if (learns) {
    float gradient[COUNT], first[COUNT], second[COUNT];
    load<COUNT>(entry.gradient + place, gradient);
    load<COUNT>(entry.first + place, first);
    load<COUNT>(entry.second + place, second);
#pragma unroll
    for (int i = 0; i < COUNT; ++i) updated(parameter[i], gradient[i] * factor, first[i], second[i], entry, rule);
    store<COUNT>(parameter, entry.parameter + place);
    store<COUNT>(first, entry.first + place);
    store<COUNT>(second, entry.second + place);
  }
  if (share == 0 || !entry.follower) return;
  float follower[COUNT];
  load<COUNT>(entry.follower + place, follower);
#pragma unroll
  for (int i = 0; i < COUNT; ++i) follower[i] += share * (parameter[i] - follower[i]);
  store<COUNT>(follower, entry.follower + place);
}

__device__ inline bool aligned(const Entry &entry) {
  const unsigned long long all = (unsigned long long)entry.parameter | (unsigned long long)entry.gradient |
                                 (unsigned long long)entry.first | (unsigned long long)entry.second |
                                 (unsigned long long)entry.follower;
  return all % 16 == 0;
}

// `halted` and `idle` are scalars of the device: where the first is true nothing changes, where the second is, parameters and
// moments keep their values. Followers move `share` of the way to their parameter.
KERNEL adamw(const Entry *entries, int count, const bool *halted, const bool *idle, float fresh1, float fresh2,
             float epsilon, float share) {
  if (*halted) return;
  int low = 0, high = count - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (entries[middle].first_block <= blockIdx.x) low = middle;
    else high = middle - 1;
  }
  const Entry entry = entries[low];
  const Rule rule = {fresh1, fresh2, epsilon};
  const bool learns = entry.gradient && !*idle;
  const float factor = entry.factor ? *entry.factor : 1;
  const long long begin = (blockIdx.x - entry.first_block) * BLOCK_VALUES;
  const long long end = begin + BLOCK_VALUES < entry.count ? begin + BLOCK_VALUES : entry.count;
  const long long packed = aligned(entry) ? begin + (end - begin) / 4 * 4 : begin;
  for (long long place = begin + threadIdx.x * 4; place < packed; place += blockDim.x * 4)
    update<4>(entry, place, factor, learns, share, rule);
  for (long long place = packed + threadIdx.x; place < end; place += blockDim.x)
    update<1>(entry, place, factor, learns, share, rule);
}
