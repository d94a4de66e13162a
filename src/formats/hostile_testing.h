// For tests of readers: damaged copies of a good file.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <exception>
#include <random>
#include <string>
#include <string_view>

#include "base/text.h"
#include "calque/error.h"

namespace calque::testing_support {

/// Calls `read` with `good` cut at 200 places and with `flips` copies that have one to four bits flipped or
/// bytes replaced. Each call must end normally or with LoadError. Returns how many copies were refused.
template <class Read>
size_t expect_survives_damage(std::string_view good, size_t flips, Read read) {
  size_t refused = 0;
  const auto attempt = [&](const std::string& bytes, const std::string& what) {
    try {
      read(std::string_view(bytes));
    } catch (const LoadError&) {
      ++refused;
    } catch (const std::exception& error) {
      ADD_FAILURE() << what << ": not a LoadError but " << error.what();
    }
  };
  for (size_t i = 0; i < 200; ++i) {
    const size_t length = good.size() < 200 ? i : good.size() * i / 200;
    if (length < good.size()) attempt(std::string(good.substr(0, length)), cat("cut at ", length));
  }
  std::mt19937_64 random(20240501);
  for (size_t i = 0; i < flips && !good.empty(); ++i) {
    std::string bytes(good);
    const size_t changes = 1 + random() % 4;
    for (size_t k = 0; k < changes; ++k) {
      char& byte = bytes[random() % bytes.size()];
      byte =
          random() % 4 == 0 ? static_cast<char>(random()) : static_cast<char>(byte ^ (1 << (random() % 8)));
    }
    attempt(bytes, cat("damage number ", i));
  }
  return refused;
}

}  // namespace calque::testing_support
