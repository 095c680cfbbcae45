// Attention by whichever of libtorch's fused operations suits the device, called as autograd would call it.

#include <ATen/core/Tensor.h>
#include <ATen/ops/_fused_sdp_choice.h>
#include <ATen/ops/_scaled_dot_product_cudnn_attention.h>
#include <ATen/ops/_scaled_dot_product_cudnn_attention_backward.h>
#include <ATen/ops/_scaled_dot_product_efficient_attention.h>
#include <ATen/ops/_scaled_dot_product_efficient_attention_backward.h>
#include <ATen/ops/_scaled_dot_product_flash_attention.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_backward.h>

#include <array>
#include <optional>

#include "guarded.h"

namespace {

// As libtorch numbers them (sdp::SDPBackend).
enum Choice : int64_t { none = 0, flash = 1, efficient = 2, cudnn = 3 };

// Tokens up to which the memory-efficient operation is the fastest: on an H200, 1280 x 6 heads of 38 tokens and 64 values took it
// 0.094 ms forward and 0.216 ms backward, cuDNN 0.129 and 0.332; of 256 x 6 heads of 198 tokens 0.221 and 0.705, 0.087 and 0.360.
constexpr int64_t few_tokens = 64;

int64_t chosen(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value) {
  const int64_t choice = at::_fused_sdp_choice(query, key, value);
  if (choice != flash && choice != cudnn) return choice;
  // These two are given heads whose width they need not pad.
  if (query.size(3) % 8 != 0) return none;
  return key.size(2) <= few_tokens ? efficient : choice;
}

}  // namespace

extern "C" {

// What the gradient needs beside queries, keys, values and result.
struct FusedAttention {
  int64_t choice;
  at::Tensor normalisers, queries_of_sequences, keys_of_sequences, seed, offset;
  c10::SymInt most_queries, most_keys;
};

// softmax(q kᵀ / √d) v of [B, heads, N, d], into *output, which the caller owns, as *kept, which it gives back to
// udi_fused_attention_free. Both stay null where no fused operation takes these tensors.
char *udi_fused_attention(const at::Tensor *query, const at::Tensor *key, const at::Tensor *value, at::Tensor **output,
                          FusedAttention **kept) {
  return guarded([&] {
    const int64_t choice = chosen(*query, *key, *value);
    FusedAttention state{choice};
    at::Tensor result, unused;
    if (choice == cudnn) {
      std::tie(result, state.normalisers, state.queries_of_sequences, state.keys_of_sequences, state.most_queries,
               state.most_keys, state.seed, state.offset, unused) =
          at::_scaled_dot_product_cudnn_attention(*query, *key, *value, std::nullopt, true);
    } else if (choice == flash) {
      std::tie(result, state.normalisers, state.queries_of_sequences, state.keys_of_sequences, state.most_queries,
               state.most_keys, state.seed, state.offset, unused) =
          at::_scaled_dot_product_flash_attention(*query, *key, *value);
    } else if (choice == efficient) {
      std::tie(result, state.normalisers, state.seed, state.offset) =
          at::_scaled_dot_product_efficient_attention(*query, *key, *value, std::nullopt, true);
    } else {
      return;  // None of them.
    }
    *output = new at::Tensor(std::move(result));
    *kept = new FusedAttention(std::move(state));
  });
}

// Gradients of queries, keys and values from that of the output, into parts[0..3], which the caller owns.
char *udi_fused_attention_backward(const FusedAttention *kept, const at::Tensor *gradient, const at::Tensor *query,
                                   const at::Tensor *key, const at::Tensor *value, const at::Tensor *output,
                                   at::Tensor **parts) {
  return guarded([&] {
    at::Tensor of_query, of_key, of_value, unused;
    if (kept->choice == cudnn) {
      std::tie(of_query, of_key, of_value) = at::_scaled_dot_product_cudnn_attention_backward_symint(
          *gradient, *query, *key, *value, *output, kept->normalisers, kept->seed, kept->offset, at::Tensor(),
          kept->queries_of_sequences, kept->keys_of_sequences, kept->most_queries, kept->most_keys, 0.0, false);
    } else if (kept->choice == flash) {
      std::tie(of_query, of_key, of_value) = at::_scaled_dot_product_flash_attention_backward_symint(
          *gradient, *query, *key, *value, *output, kept->normalisers, kept->queries_of_sequences,
          kept->keys_of_sequences, kept->most_queries, kept->most_keys, 0.0, false, kept->seed, kept->offset);
    } else {
      std::tie(of_query, of_key, of_value, unused) = at::_scaled_dot_product_efficient_attention_backward(
          *gradient, *query, *key, *value, at::Tensor(), *output, kept->normalisers, kept->seed, kept->offset, 0.0,
          {true, true, true, false});
    }
    at::Tensor *results[] = {&of_query, &of_key, &of_value};
    for (int index = 0; index < 3; ++index) parts[index] = new at::Tensor(std::move(*results[index]));
  });
}

void udi_fused_attention_free(FusedAttention *kept) { delete kept; }
}
