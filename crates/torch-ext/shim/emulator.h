// Runs the text of the CUDA kernels (../cuda) on the CPU, for tests: the threads of a block take turns as fibers, each until it
// waits for others. Slow and exact; a barrier that not all of them reach is an error.

#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace emulator {

struct Index {
  unsigned x, y, z;
};

inline Index thread_index, block_index, block_size, grid_size;

constexpr unsigned warp_size = 32;

class Block {
 public:
  Block(unsigned threads, std::function<void()> body) : body_(std::move(body)), fibers_(threads) {}

  // Runs all threads of one block to their end.
  void run() {
    current_ = this;
    // No number, in each kind.
    std::fill(shared.begin(), shared.end(), 0xff);
    for (Fiber &fiber : fibers_) start(fiber);
    while (!failure_ && turn()) release();
    current_ = nullptr;
    if (failure_) std::rethrow_exception(failure_);
  }

  // Waits until all of the block, or of this thread's warp, are here.
  static void wait(bool whole_block) {
    Block &block = *current_;
    block.fibers_[block.running_].state = whole_block ? State::at_block : State::at_warp;
    block.yield();
  }

  // What another lane of the warp gives, once all have given theirs.
  template <class Value>
  static Value exchange(Value value, unsigned lane_mask) {
    const unsigned own = current_->running_ % warp_size;
    return give(value)(own ^ lane_mask);
  }

  // The same of all lanes: a function that reads what a lane gave.
  template <class Value>
  static auto give(const Value &value) {
    static_assert(sizeof value <= sizeof(Fiber::given[0]));
    Block &block = *current_;
    Fiber &fiber = block.fibers_[block.running_];
    const unsigned slot = fiber.exchanges++ % 2, warp = block.running_ / warp_size * warp_size;
    std::memcpy(fiber.given[slot], &value, sizeof value);
    wait(false);
    return [&block, slot, warp](unsigned lane) {
      Value given;
      std::memcpy(&given, block.fibers_.at(warp + lane).given[slot], sizeof given);
      return given;
    };
  }

  static bool any(bool value) {
    const auto given = give(value);
    bool any = false;
    for (unsigned lane = 0; lane < warp_size; ++lane) any |= given(lane);
    return any;
  }

  static unsigned lane() { return current_->running_ % warp_size; }

  // Shared memory whose size a launch says.
  static inline std::vector<unsigned char> shared;

 private:
  enum class State { ready, at_block, at_warp, done };

  struct Fiber {
    ucontext_t context;
    std::vector<char> stack;
    State state = State::ready;
    unsigned exchanges = 0;
    unsigned char given[2][32];
  };

  static void enter() {
    Block &block = *current_;
    try {
      block.body_();
    } catch (...) {
      block.failure_ = std::current_exception();
    }
    block.fibers_[block.running_].state = State::done;
    block.yield();
  }

  void start(Fiber &fiber) {
    fiber.stack.resize(1 << 16);
    fiber.state = State::ready;
    fiber.exchanges = 0;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = fiber.stack.size();
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, enter, 0);
  }

  void yield() { swapcontext(&fibers_[running_].context, &scheduler_); }

  // A turn of each thread that can go on; whether there was any.
  bool turn() {
    bool any = false;
    for (running_ = 0; running_ < fibers_.size(); ++running_) {
      if (fibers_[running_].state != State::ready) continue;
      any = true;
      thread_index = {running_ % block_size.x, running_ / block_size.x, 0};
      swapcontext(&scheduler_, &fibers_[running_].context);
    }
    return any;
  }

  void release() {
    const unsigned count = fibers_.size();
    bool moved = release(0, count, State::at_block);
    for (unsigned first = 0; first < count; first += warp_size)
      moved |= release(first, std::min(first + warp_size, count), State::at_warp);
    for (const Fiber &fiber : fibers_)
      if (!moved && fiber.state != State::done) throw std::runtime_error("a barrier that not all threads reach");
  }

  // Lets those go on that are all at a barrier, or done.
  bool release(unsigned first, unsigned end, State barrier) {
    bool waiting = false;
    for (unsigned index = first; index < end; ++index) {
      const State state = fibers_[index].state;
      if (state != barrier && state != State::done) return false;
      waiting |= state == barrier;
    }
    for (unsigned index = first; index < end; ++index)
      if (fibers_[index].state == barrier) fibers_[index].state = State::ready;
    return waiting;
  }

  static inline Block *current_ = nullptr;
  std::function<void()> body_;
  std::vector<Fiber> fibers_;
  std::exception_ptr failure_;
  ucontext_t scheduler_;
  unsigned running_ = 0;
};

// A kernel that takes its arguments as a launch gives them: each by its address.
using Kernel = std::function<void(void **)>;

template <class... Types, std::size_t... Places>
Kernel with_places(void (*kernel)(Types...), std::index_sequence<Places...>) {
  return [=](void **arguments) { kernel(*static_cast<Types *>(arguments[Places])...); };
}

template <class... Types>
Kernel as_launched(void (*kernel)(Types...)) {
  return with_places(kernel, std::index_sequence_for<Types...>{});
}

inline void launch(const Kernel &kernel, const unsigned *grid, void **arguments) {
  grid_size = {grid[0], grid[1], 1};
  block_size = {grid[2], grid[3], 1};
  Block::shared.resize(grid[4]);
  Block block(grid[2] * grid[3], [&] { kernel(arguments); });
  for (unsigned y = 0; y < grid[1]; ++y) {
    for (unsigned x = 0; x < grid[0]; ++x) {
      block_index = {x, y, 0};
      block.run();
    }
  }
}

}  // namespace emulator

// What the kernels find in CUDA's language.
#define KERNEL static void
#define __device__
#define __shared__ static
#define threadIdx ::emulator::thread_index
#define blockIdx ::emulator::block_index
#define blockDim ::emulator::block_size
#define gridDim ::emulator::grid_size
#define __syncthreads() ::emulator::Block::wait(true)
#define __shfl_xor_sync(mask, value, lanes) ::emulator::Block::exchange(value, lanes)
#define __any_sync(mask, value) ::emulator::Block::any(value)
#define __expf expf
#define __fdividef(a, b) ((a) / (b))
#define __launch_bounds__(threads, blocks)
#define SHARED_MEMORY(name) unsigned char *const name = ::emulator::Block::shared.data()

inline float rsqrtf(float value) { return 1 / std::sqrt(value); }

template <class To, class From>
inline To same_bits(From from) {
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

inline unsigned __float_as_uint(float value) { return same_bits<unsigned>(value); }
inline float __uint_as_float(unsigned bits) { return same_bits<float>(bits); }
inline float half_to_float(unsigned short bits) { return same_bits<_Float16>(bits); }
inline unsigned short float_to_half(float value) { return same_bits<unsigned short>(static_cast<_Float16>(value)); }

// As ../cuda/tensor_cores.cuh describes them.
inline unsigned shared_address(const void *at) {
  return static_cast<const unsigned char *>(at) - emulator::Block::shared.data();
}

inline void load_words(unsigned (&words)[4], unsigned from) {
  std::memcpy(words, &emulator::Block::shared.at(from), sizeof words);
}

template <class Read>
inline void load_parts(unsigned (&words)[4], unsigned row, Read read) {
  const auto row_of = emulator::Block::give(row);
  for (unsigned matrix = 0; matrix < 4; ++matrix) {
    const auto value = [&](unsigned row, unsigned column) {
      const unsigned at = row_of(8 * matrix + row) + 2 * column;
      if (at + 2 > emulator::Block::shared.size()) throw std::runtime_error("a read beyond shared memory");
      unsigned short bits;
      std::memcpy(&bits, &emulator::Block::shared[at], sizeof bits);
      return static_cast<unsigned>(bits);
    };
    words[matrix] = read(value, emulator::Block::lane() / 4, emulator::Block::lane() % 4 * 2);
  }
}

inline void load_matrices(unsigned (&words)[4], unsigned row) {
  load_parts(words, row, [](auto value, unsigned at, unsigned pair) { return value(at, pair) | value(at, pair + 1) << 16; });
}

inline void load_turned(unsigned (&words)[4], unsigned row) {
  load_parts(words, row, [](auto value, unsigned at, unsigned pair) { return value(pair, at) | value(pair + 1, at) << 16; });
}

template <class T>
inline void multiply(float (&sum)[4], const unsigned (&a)[4], unsigned first, unsigned second) {
  struct Operands {
    unsigned left[4], right[2];
  };
  const auto operands = emulator::Block::give(Operands{{a[0], a[1], a[2], a[3]}, {first, second}});
  const auto half = [](unsigned word, unsigned index) {
    return read(T{static_cast<unsigned short>(word >> 16 * (index % 2))});
  };
  const unsigned row = emulator::Block::lane() / 4, column = emulator::Block::lane() % 4 * 2;
  for (unsigned k = 0; k < 16; ++k) {
    const unsigned lane = k % 8 / 2, eight = k / 8;
    const Operands of_row = operands(4 * row + lane);
    for (unsigned i = 0; i < 4; ++i) {
      const Operands of_column = operands(4 * (column + i % 2) + lane);
      sum[i] += half(of_row.left[i / 2 + 2 * eight], k) * half(of_column.right[eight], k);
    }
  }
}

template <class T>
inline unsigned word(float low, float high) {
  T values[2];
  write(low, values[0]);
  write(high, values[1]);
  return values[0].bits | static_cast<unsigned>(values[1].bits) << 16;
}

inline void begin_copy(unsigned to, const void *from, bool zeros) {
  if (to % 16 != 0 || reinterpret_cast<std::uintptr_t>(from) % 16 != 0)
    throw std::runtime_error("a copy from or to no multiple of 16 bytes");
  if (to + 16 > emulator::Block::shared.size()) throw std::runtime_error("a copy beyond shared memory");
  unsigned char *into = &emulator::Block::shared[to];
  if (zeros) std::memset(into, 0, 16);
  else std::memcpy(into, from, 16);
}

inline void end_copies() {}
inline int anew(int value) { return value; }
inline float power_of_two(float value) { return std::exp2(value); }
