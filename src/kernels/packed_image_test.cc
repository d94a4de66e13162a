#include "kernels/packed_image.h"

#include <cstring>
#include <map>

#include "kernels/gemm_words/test_support.h"

namespace calque::kernels {
namespace {

class PackedImageTest : public VariantTest {};
INSTANTIATE_TEST_SUITE_P(Isa, PackedImageTest, ::testing::ValuesIn(variants({})), variant_name);

void multiply(const GemmPackedArgs& args, const PackedB& b) { gemm_packed(args, b); }
void multiply(const GemmPackedArgs& args, const PackedBf16& b) { gemm_packed_bf16(args, b); }
void multiply(const GemmPackedArgs& args, const PackedInt8& b) { gemm_packed_int8(args, b); }
void multiply(const GemmPackedArgs& args, const PackedWeightsInt8& b) { gemm_weights_int8(args, b); }
void multiply(const GemmPackedArgs& args, const PackedWeightsInt4& b) { gemm_weights_int4(args, b); }

/// The parts of an image in memory of their own, as a file would hold them.
class Copies {
 public:
  explicit Copies(const PackedImage& image) : image_(image) {
    for (PackedPart& part : image_.parts) {
      auto copy = std::make_shared<AlignedBuffer<std::byte>>(part.bytes.size());
      if (!part.bytes.empty()) std::memcpy(copy->data(), part.bytes.data(), part.bytes.size());
      part = {.bytes = {copy->data(), part.bytes.size()}, .keeper = copy};
    }
  }
  PackedImage& image() { return image_; }
  std::span<std::byte> bytes(size_t part) {
    const std::span<const std::byte> bytes = image_.parts.at(part).bytes;
    return {const_cast<std::byte*>(bytes.data()), bytes.size()};
  }

 private:
  PackedImage image_;
};

/// Calls f(packed) with the same weights in all forms.
template <class F>
void for_each_form(const Linear& x, F&& f) {
  const float* const w = x.w.data();
  std::vector<float> factors(static_cast<size_t>(x.k), 0.5F);
  f(pack_b(x.k, x.n, w, 1, x.k));
  f(pack_bf16(x.k, x.n, w, 1, x.k));
  f(pack_int8_weights(x.k, x.n, w, 1, x.k));
  f(pack_int8_weights(
      FloatWeights{.k = x.k, .n = x.n, .b = w, .b_row = 1, .b_col = x.k, .factors = factors.data()}));
  f(pack_weights_int8(x.k, x.n, w, 1, x.k));
  f(pack_weights_int4(x.k, x.n, w, 1, x.k));
}

TEST_P(PackedImageTest, GivesTheBitsOfWhatWasPacked) {
  std::mt19937 rng(1);
  for (int round = 0; round < 12; ++round) {
    Linear x(rng, random_size(rng, 1, 9), random_size(rng, 1, 120), random_size(rng, 1, 130));
    for_each_form(x, [&]<class Packed>(const Packed& packed) {
      multiply(x.args(), packed);
      const std::vector<float> wanted = x.c;
      std::fill(x.c.begin(), x.c.end(), Linear::kGuard);
      std::optional<Packed> again;
      {
        Copies copies(image_of(packed));
        again = packed_of<Packed>(copies.image());
      }
      ASSERT_TRUE(again) << "n " << x.n << " k " << x.k;
      multiply(x.args(), *again);
      ASSERT_EQ(x.c, wanted);
      ASSERT_EQ(again->bytes(), packed.bytes());
    });
  }
}

TEST_P(PackedImageTest, RefusesWhatDoesNotFit) {
  std::mt19937 rng(2);
  const Linear x(rng, 1, 50, 70);
  for_each_form(x, [&]<class Packed>(const Packed& packed) {
    Copies copies(image_of(packed));
    const PackedImage good = copies.image();
    ASSERT_TRUE(packed_of<Packed>(good));
    for (size_t i = 0; i < good.parts.size(); ++i) {
      PackedImage bad = good;
      bad.parts.erase(bad.parts.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_FALSE(packed_of<Packed>(bad)) << i;
      if (good.parts[i].bytes.empty()) continue;
      bad = good;
      bad.parts[i].bytes = bad.parts[i].bytes.first(bad.parts[i].bytes.size() - 4);
      EXPECT_FALSE(packed_of<Packed>(bad)) << i;
      bad.parts[i].bytes = {good.parts[i].bytes.data() + 4, good.parts[i].bytes.size()};
      EXPECT_FALSE(packed_of<Packed>(bad)) << i;
    }
    for (const auto change :
         {+[](PackedImage& image) { image.k += 64; }, +[](PackedImage& image) { image.n += 64; },
          +[](PackedImage& image) { image.k = -1; }, +[](PackedImage& image) { image.n = -1; },
          +[](PackedImage& image) { image.k = int64_t{1} << 60; },
          +[](PackedImage& image) { image.n = int64_t{1} << 60; },
          +[](PackedImage& image) { image.parts.push_back({}); },
          +[](PackedImage& image) { image.parts.clear(); },
          +[](PackedImage& image) { image.isa = image.isa == Isa::kScalar ? Isa::kAvx2 : Isa::kScalar; }}) {
      PackedImage bad = good;
      change(bad);
      EXPECT_FALSE(packed_of<Packed>(bad));
    }
  });
}

TEST_P(PackedImageTest, RefusesSumsThatNoBytesHave) {
  std::mt19937 rng(3);
  const Linear x(rng, 1, 20, 30);
  const PackedInt8 packed = pack_int8_weights(x.k, x.n, x.w.data(), 1, x.k);
  Copies copies(image_of(packed));
  ASSERT_TRUE(packed_of<PackedInt8>(copies.image()));
  const int32_t wrong = 128 * 30 + 1;
  std::memcpy(copies.bytes(2).data() + 4, &wrong, sizeof wrong);
  EXPECT_FALSE(packed_of<PackedInt8>(copies.image()));
}

/// FNV-1a.
uint64_t digest(const PackedImage& image) {
  uint64_t hash = 14695981039346656037ULL;
  for (const PackedPart& part : image.parts) {
    for (const std::byte byte : part.bytes) hash = (hash ^ static_cast<uint64_t>(byte)) * 1099511628211ULL;
  }
  return hash;
}

// Files hold these bytes. When this fails because the order of elements has changed, kPackedLayout goes up
// and the digests change with it.
TEST_P(PackedImageTest, OrderOfElementsIsThatOfItsVersion) {
  Linear x = [] {
    std::mt19937 rng(4);
    return Linear(rng, 1, 53, 37);
  }();
  for (size_t i = 0; i < x.w.size(); ++i) x.w[i] = static_cast<float>(static_cast<int>(i * 37 % 255) - 127);
  std::vector<uint64_t> found;
  for_each_form(x, [&](const auto& packed) { found.push_back(digest(image_of(packed))); });
  const std::map<std::string, std::vector<uint64_t>> known = {
      {"scalar",
       {12716536650169765998U, 10895425893109442478U, 7956145585670195908U, 8479535896664395749U,
        3335599914591634910U, 15711099923581950739U}},
      {"avx2",
       {3926442866174746214U, 14946625960160402526U, 6026458100731729596U, 4253456826919298829U,
        314472443043492258U, 10895460236935646123U}},
      {"avx512",
       {15544289215685367750U, 3637800777972230870U, 10899965303317933508U, 10278243295786459877U,
        9461842470580435110U, 17790260087005881279U}},
      {"neon",
       {3418696224803659866U, 4932398176645475674U, 16872109055820827360U, 16451388953255518105U,
        617638705644862038U, 15625948428984392803U}},
  };
  ASSERT_EQ(kPackedLayout, 1);
  // The matrix engine reads what AVX-512 packs.
  const auto expected = known.find(GetParam().isa == Isa::kAmx ? "avx512" : GetParam().name);
  ASSERT_NE(expected, known.end()) << GetParam().name << ": " << ::testing::PrintToString(found);
  EXPECT_EQ(found, expected->second);
}

}  // namespace
}  // namespace calque::kernels
