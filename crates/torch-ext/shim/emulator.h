// Runs the text of the CUDA kernels (../cuda) on the CPU, for tests: the threads of a block take turns as fibers, each until it
// waits for others. Slow and exact; a barrier that not all of them reach is an error.

#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
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
    for (Fiber &fiber : fibers_) start(fiber);
    while (turn()) release();
    current_ = nullptr;
  }

  // Waits until all of the block, or of this thread's warp, are here.
  static void wait(bool whole_block) {
    Block &block = *current_;
    block.fibers_[block.running_].state = whole_block ? State::at_block : State::at_warp;
    block.yield();
  }

  // The value of another lane of the warp, once all have given theirs.
  static float exchange(float value, unsigned lane_mask) {
    Block &block = *current_;
    const unsigned own = block.running_;
    Fiber &fiber = block.fibers_[own];
    const unsigned slot = fiber.exchanges++ % 2;
    fiber.given[slot] = value;
    wait(false);
    return block.fibers_.at(own ^ lane_mask).given[slot];
  }

 private:
  enum class State { ready, at_block, at_warp, done };

  struct Fiber {
    ucontext_t context;
    std::vector<char> stack;
    State state = State::ready;
    unsigned exchanges = 0;
    float given[2];
  };

  static void enter() {
    Block &block = *current_;
    block.body_();
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
#define __expf expf
#define __fdividef(a, b) ((a) / (b))

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
