#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "calque/tensor.h"

namespace calque {
namespace {

Tensor values(const std::vector<double>& list, const Dims& sizes, ScalarType dtype) {
  Tensor t = empty(sizes, kDouble);
  std::copy(list.begin(), list.end(), t.data_ptr<double>());
  return t.to(dtype);
}

/// scale * (first + i) for i = 0, 1, …
Tensor ramp(const Dims& sizes, double first, double scale, ScalarType dtype) {
  Tensor t = empty(sizes, kDouble);
  for (int64_t i = 0; i < t.numel(); ++i) t.data_ptr<double>()[i] = scale * (first + static_cast<double>(i));
  return t.to(dtype);
}

std::string text(const Tensor& t) {
  std::ostringstream out;
  out << t;
  return out.str();
}

// The expected texts are what libtorch 2.13 prints for the same tensors.
TEST(Print, AsLibtorch) {
  EXPECT_EQ(text(values({1.5}, {}, kFloat)),
            "1.5\n"
            "[ CPUFloatType{} ]");
  EXPECT_EQ(text(values({3}, {}, kLong)),
            "3\n"
            "[ CPULongType{} ]");
  EXPECT_EQ(text(values({1}, {}, kBool)),
            "1\n"
            "[ CPUBoolType{} ]");
  EXPECT_EQ(text(values({1e10}, {}, kFloat)),
            "10000000000\n"
            "[ CPUFloatType{} ]");
  EXPECT_EQ(text(values({0.1}, {}, kDouble)),
            "0.1\n"
            "[ CPUDoubleType{} ]");
  EXPECT_EQ(text(values({NAN}, {}, kFloat)),
            "nan\n"
            "[ CPUFloatType{} ]");
  EXPECT_EQ(text(values({1, 2, 3}, {3}, kLong)),
            " 1\n"
            " 2\n"
            " 3\n"
            "[ CPULongType{3} ]");
  EXPECT_EQ(text(values({1, 2, 3}, {3}, kFloat)),
            " 1\n"
            " 2\n"
            " 3\n"
            "[ CPUFloatType{3} ]");
  EXPECT_EQ(text(values({0.1, 0.2, 1000.5}, {3}, kFloat)),
            "    0.1000\n"
            "    0.2000\n"
            " 1000.5000\n"
            "[ CPUFloatType{3} ]");
  EXPECT_EQ(text(values({1e-5, 1.5}, {2}, kFloat)),
            " 1.0000e-05\n"
            " 1.5000e+00\n"
            "[ CPUFloatType{2} ]");
  EXPECT_EQ(text(values({1e6 + 0.5, 2.5, 3}, {3}, kDouble)),
            " 1.0000e+06\n"
            " 2.5000e+00\n"
            " 3.0000e+00\n"
            "[ CPUDoubleType{3} ]");
  EXPECT_EQ(text(values({-1.5, 2.25}, {2}, kHalf)),
            "-1.5000\n"
            " 2.2500\n"
            "[ CPUHalfType{2} ]");
  EXPECT_EQ(text(values({INFINITY, 1, NAN}, {3}, kFloat)),
            "inf\n"
            " 1\n"
            "nan\n"
            "[ CPUFloatType{3} ]");
  EXPECT_EQ(text(values({INFINITY, NAN}, {2}, kFloat)),
            "inf\n"
            "nan\n"
            "[ CPUFloatType{2} ]");
  EXPECT_EQ(text(values({-INFINITY, 1.5}, {2}, kFloat)),
            "   -inf\n"
            " 1.5000\n"
            "[ CPUFloatType{2} ]");
  EXPECT_EQ(text(values({0, 0}, {2}, kFloat)),
            " 0\n"
            " 0\n"
            "[ CPUFloatType{2} ]");
  EXPECT_EQ(text(values({0.001, 0.002}, {2}, kFloat)),
            "0.001 *\n"
            " 1.0000\n"
            " 2.0000\n"
            "[ CPUFloatType{2} ]");
  EXPECT_EQ(text(values({123456789012.0, 1}, {2}, kLong)),
            " 1.2346e+11\n"
            " 1.0000e+00\n"
            "[ CPULongType{2} ]");
  EXPECT_EQ(text(values({1e100, 1.5}, {2}, kDouble)),
            " 1.0000e+100\n"
            "  1.5000e+00\n"
            "[ CPUDoubleType{2} ]");
  EXPECT_EQ(text(values({1e10, 2e10}, {2}, kDouble)),
            " 1.0000e+10\n"
            " 2.0000e+10\n"
            "[ CPUDoubleType{2} ]");
  EXPECT_EQ(text(values({1, 0, 1, 1}, {2, 2}, kBool)),
            " 1  0\n"
            " 1  1\n"
            "[ CPUBoolType{2,2} ]");
  EXPECT_EQ(text(values({1.5, 2.5, -3.5, 100}, {2, 2}, kFloat)),
            "   1.5000    2.5000\n"
            "  -3.5000  100.0000\n"
            "[ CPUFloatType{2,2} ]");
  EXPECT_EQ(text(values({100000.5, 2.5, -3.5, 100}, {2, 2}, kFloat)),
            " 1.0000e+05  2.5000e+00\n"
            "-3.5000e+00  1.0000e+02\n"
            "[ CPUFloatType{2,2} ]");
  EXPECT_EQ(text(zeros({0})), "[ CPUFloatType{0} ]");
  EXPECT_EQ(text(zeros({2, 0})), "[ CPUFloatType{2,0} ]");
  EXPECT_EQ(text(zeros({0, 3, 4})), "[ CPUFloatType{0,3,4} ]");
  EXPECT_EQ(text(ramp({2, 3, 4}, 0, 1, kLong)),
            "(1,.,.) = \n"
            "  0   1   2   3\n"
            "   4   5   6   7\n"
            "   8   9  10  11\n"
            "\n"
            "(2,.,.) = \n"
            " 12  13  14  15\n"
            "  16  17  18  19\n"
            "  20  21  22  23\n"
            "[ CPULongType{2,3,4} ]");
  EXPECT_EQ(text(ramp({2, 3, 4}, 0, 1.0 / 7, kFloat)),
            "(1,.,.) = \n"
            " 0.0000  0.1429  0.2857  0.4286\n"
            "  0.5714  0.7143  0.8571  1.0000\n"
            "  1.1429  1.2857  1.4286  1.5714\n"
            "\n"
            "(2,.,.) = \n"
            " 1.7143  1.8571  2.0000  2.1429\n"
            "  2.2857  2.4286  2.5714  2.7143\n"
            "  2.8571  3.0000  3.1429  3.2857\n"
            "[ CPUFloatType{2,3,4} ]");
  EXPECT_EQ(text(ramp({2, 20}, 0, 1.0 / 3, kFloat)),
            "Columns 1 to 8  0.0000   0.3333   0.6667   1.0000   1.3333   1.6667   2.0000   2.3333\n"
            "  6.6667   7.0000   7.3333   7.6667   8.0000   8.3333   8.6667   9.0000\n"
            "\n"
            "Columns 9 to 16  2.6667   3.0000   3.3333   3.6667   4.0000   4.3333   4.6667   5.0000\n"
            "  9.3333   9.6667  10.0000  10.3333  10.6667  11.0000  11.3333  11.6667\n"
            "\n"
            "Columns 17 to 20  5.3333   5.6667   6.0000   6.3333\n"
            " 12.0000  12.3333  12.6667  13.0000\n"
            "[ CPUFloatType{2,20} ]");
  EXPECT_EQ(text(ramp({2, 1, 2, 2}, 0, 1, kLong)),
            "(1,1,.,.) = \n"
            " 0  1\n"
            "  2  3\n"
            "\n"
            "(2,1,.,.) = \n"
            " 4  5\n"
            "  6  7\n"
            "[ CPULongType{2,1,2,2} ]");
  EXPECT_EQ(
      text(ramp({1, 60}, 0, 1, kLong)),
      "Columns 1 to 20  0   1   2   3   4   5   6   7   8   9  10  11  12  13  14  15  16  17  18  19\n"
      "\n"
      "Columns 21 to 40 20  21  22  23  24  25  26  27  28  29  30  31  32  33  34  35  36  37  38  39\n"
      "\n"
      "Columns 41 to 60 40  41  42  43  44  45  46  47  48  49  50  51  52  53  54  55  56  57  58  59\n"
      "[ CPULongType{1,60} ]");
  EXPECT_EQ(text(Tensor()), "[ Tensor (undefined) ]");
  EXPECT_EQ(text(values({12345, -99999}, {2}, kLong)),
            " 12345\n"
            "-99999\n"
            "[ CPULongType{2} ]");
  EXPECT_EQ(text(values({255, 1}, {2}, kByte)),
            " 255\n"
            "   1\n"
            "[ CPUByteType{2} ]");
  EXPECT_EQ(text(values({1, 2}, {1, 2}, kBFloat16)),
            " 1  2\n"
            "[ CPUBFloat16Type{1,2} ]");
  EXPECT_EQ(text(values({-5}, {1}, kInt)),
            "-5\n"
            "[ CPUIntType{1} ]");
  EXPECT_EQ(text(values({0.5, 100000}, {2, 1}, kFloat)),
            " 5.0000e-01\n"
            " 1.0000e+05\n"
            "[ CPUFloatType{2,1} ]");
  EXPECT_EQ(text(values({1e-3, 1e-2}, {1, 2}, kFloat)),
            "0.001 *\n"
            " 1.0000 10.0000\n"
            "[ CPUFloatType{1,2} ]");
  EXPECT_EQ(text(values({-0.0, 0.5}, {2}, kFloat)),
            "-0.0000\n"
            " 0.5000\n"
            "[ CPUFloatType{2} ]");
  EXPECT_EQ(text(values({99999.5, 1}, {2}, kFloat)),
            " 99999.5000\n"
            "     1.0000\n"
            "[ CPUFloatType{2} ]");
  EXPECT_EQ(text(values({1e-3, 1e-2, 2e-3, 3e-3}, {2, 2}, kFloat)),
            "0.001 *\n"
            " 1.0000 10.0000\n"
            "  2.0000  3.0000\n"
            "[ CPUFloatType{2,2} ]");
  EXPECT_EQ(text(values({1e-3, 1e-2, 2e-3, 3e-3, 1e-3, 1e-2, 2e-3, 3e-3}, {2, 2, 2}, kFloat)),
            "(1,.,.) = \n"
            "0.001 *\n"
            "  1.0000 10.0000\n"
            "   2.0000  3.0000\n"
            "\n"
            "(2,.,.) = \n"
            "0.001 *\n"
            "  1.0000 10.0000\n"
            "   2.0000  3.0000\n"
            "[ CPUFloatType{2,2,2} ]");
  EXPECT_EQ(text(ramp({1, 2, 30}, 1, 0.001, kFloat)),
            "(1,.,.) = \n"
            "Columns 1 to 9 0.01 *\n"
            "  0.1000  0.2000  0.3000  0.4000  0.5000  0.6000  0.7000  0.8000  0.9000\n"
            "   3.1000  3.2000  3.3000  3.4000  3.5000  3.6000  3.7000  3.8000  3.9000\n"
            "\n"
            "Columns 10 to 18 0.01 *\n"
            "  1.0000  1.1000  1.2000  1.3000  1.4000  1.5000  1.6000  1.7000  1.8000\n"
            "   4.0000  4.1000  4.2000  4.3000  4.4000  4.5000  4.6000  4.7000  4.8000\n"
            "\n"
            "Columns 19 to 27 0.01 *\n"
            "  1.9000  2.0000  2.1000  2.2000  2.3000  2.4000  2.5000  2.6000  2.7000\n"
            "   4.9000  5.0000  5.1000  5.2000  5.3000  5.4000  5.5000  5.6000  5.7000\n"
            "\n"
            "Columns 28 to 30 0.01 *\n"
            "  2.8000  2.9000  3.0000\n"
            "   5.8000  5.9000  6.0000\n"
            "[ CPUFloatType{1,2,30} ]");
  EXPECT_EQ(text(ramp({2, 30}, 1.1, 0.001, kFloat)),
            "Columns 1 to 100.01 *\n"
            " 0.1100  0.2100  0.3100  0.4100  0.5100  0.6100  0.7100  0.8100  0.9100  1.0100\n"
            "  3.1100  3.2100  3.3100  3.4100  3.5100  3.6100  3.7100  3.8100  3.9100  4.0100\n"
            "\n"
            "Columns 11 to 200.01 *\n"
            " 1.1100  1.2100  1.3100  1.4100  1.5100  1.6100  1.7100  1.8100  1.9100  2.0100\n"
            "  4.1100  4.2100  4.3100  4.4100  4.5100  4.6100  4.7100  4.8100  4.9100  5.0100\n"
            "\n"
            "Columns 21 to 300.01 *\n"
            " 2.1100  2.2100  2.3100  2.4100  2.5100  2.6100  2.7100  2.8100  2.9100  3.0100\n"
            "  5.1100  5.2100  5.3100  5.4100  5.5100  5.6100  5.7100  5.8100  5.9100  6.0100\n"
            "[ CPUFloatType{2,30} ]");
  EXPECT_EQ(text(ramp({1, 2, 30}, 1, 1, kFloat)),
            "(1,.,.) = \n"
            "Columns 1 to 19   1   2   3   4   5   6   7   8   9  10  11  12  13  14  15  16  17  18  19\n"
            "  31  32  33  34  35  36  37  38  39  40  41  42  43  44  45  46  47  48  49\n"
            "\n"
            "Columns 20 to 30  20  21  22  23  24  25  26  27  28  29  30\n"
            "  50  51  52  53  54  55  56  57  58  59  60\n"
            "[ CPUFloatType{1,2,30} ]");
  EXPECT_EQ(text(values({1e-7}, {}, kFloat)), "1.0000000116860974e-07\n[ CPUFloatType{} ]");
  EXPECT_EQ(text(values({1e17}, {}, kDouble)), "1e+17\n[ CPUDoubleType{} ]");
  EXPECT_EQ(text(values({1234567.89}, {}, kFloat)), "1234567.875\n[ CPUFloatType{} ]");
  EXPECT_EQ(text(values({-0.0}, {}, kFloat)), "-0\n[ CPUFloatType{} ]");
}

}  // namespace
}  // namespace calque
