// For the fuzzer of archives: changes below the container, so that they reach the readers behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace calque::testing_support {

/// One record of an archive, inflated.
struct MutableRecord {
  std::string name;
  std::string content;
  bool deflate = false;
};

/// The records of an archive; nullopt for bytes that are none.
std::optional<std::vector<MutableRecord>> unpack_archive(std::span<const std::byte> bytes);
/// A good archive of these records: sizes, names and checksums agree.
std::string pack_archive(const std::vector<MutableRecord>& records);

/// Changes records in one of many ways: opcodes and arguments of pickles, tokens and lines of sources, the
/// version, the byte order, tensor data, and which records there are.
class ArchiveMutator {
 public:
  /// Changes any bytes, with what the fuzzer has learnt. `room` is how much they may grow.
  using MutateBytes = std::function<void(std::string& bytes, size_t room)>;

  ArchiveMutator(uint32_t seed, MutateBytes mutate_bytes)
      : random_(seed), mutate_bytes_(std::move(mutate_bytes)) {}

  void mutate(std::vector<MutableRecord>& records);
  /// Takes records of the same kind from `donor`, whole or in pieces.
  void cross(std::vector<MutableRecord>& records, const std::vector<MutableRecord>& donor);
  bool one_in(size_t n) { return below(n) == 0; }

 private:
  size_t below(size_t n) { return n == 0 ? 0 : random_() % n; }
  std::string_view word(std::string_view words, std::string_view separators);
  MutableRecord& pick(std::vector<MutableRecord>& records);

  void content(MutableRecord& record);
  void pickle(std::string& bytes);
  void opcode(std::string& bytes, std::vector<size_t>& starts);
  void integer(std::string& bytes, size_t at);
  void source(std::string& text);
  void token(std::string& text);
  void lines(std::string& text);
  void splice(std::string& bytes, std::string_view donor);
  void record_set(std::vector<MutableRecord>& records);

  std::minstd_rand random_;
  MutateBytes mutate_bytes_;
};

}  // namespace calque::testing_support
