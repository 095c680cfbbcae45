// One program of kernels as emulated.cpp describes it: SOURCE, HEADER where it has one, KERNELS, PROGRAM (its name), ELEMENT, PACK,
// WIDTH.

#define JOIN_WORDS(a, b) a##b
#define JOIN_VALUES(a, b) JOIN_WORDS(a, b)
#define WORDS(text) #text
#define TEXT(value) WORDS(value)

namespace JOIN_VALUES(variant_, __COUNTER__) {
namespace {
#include "../cuda/element.cuh"
#ifdef HEADER
#include HEADER
#endif
#include SOURCE
const Registered registered(PROGRAM " " TEXT(ELEMENT) " " TEXT(PACK) " " TEXT(WIDTH), KERNELS);
}  // namespace
}  // namespace JOIN_VALUES(variant_, __COUNTER__)

#undef JOIN_WORDS
#undef JOIN_VALUES
#undef WORDS
#undef TEXT
#undef ELEMENT
#undef PACK
#undef WIDTH
