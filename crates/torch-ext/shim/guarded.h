// How the shim's C functions report exceptions.

#pragma once

#include <c10/util/Exception.h>

#include <cstring>
#include <exception>

// Null, or the message of what `work` threw, which udi_shim_free takes back.
template <typename Work>
char *guarded(Work work) noexcept {
  try {
    work();
    return nullptr;
  } catch (const c10::Error &error) {
    return strdup(error.what_without_backtrace());
  } catch (const std::exception &error) {
    return strdup(error.what());
  } catch (...) {
    return strdup("an exception of unknown type");
  }
}
