#include "kernels/gemm/packed.h"

#include <algorithm>
#include <utility>

#include "base/threads.h"
#include "kernels/gemm/driver.h"
#include "kernels/gemm/pack.h"
#include "kernels/weight_buffer.h"

namespace calque::kernels {

// Panels of nr columns one after another; in a panel the rows of all blocks of k one after another.
PackedB pack_b(int64_t k, int64_t n, const float* b, int64_t b_row, int64_t b_col) {
  const Isa isa = active_isa();
  const KernelSet& set = kernel_set(isa);
  GemmProblem<float> problem{};
  problem.set = &set;
  problem.kernels = set.gemm_f32;
  const int64_t nr = problem.kernels->nr;
  AlignedBuffer<float> data =
      weight_buffer<float>(static_cast<size_t>(k * round_up(n, problem.kernels->width)));
  parallel_for(0, div_up(n, nr), 1, [&](int64_t panel, int64_t) {
    const int64_t first_col = panel * nr;
    const int cols = static_cast<int>(std::min(nr, n - first_col));
    const auto* const from = reinterpret_cast<const char*>(b + first_col * b_col);
    pack_b_block(problem, {from, b_row, b_col}, k, cols, round_up(cols, problem.kernels->width),
                 data.data() + first_col * k);
  });
  return PackedB(k, n, isa, std::move(data));
}

void gemm_packed(const GemmPackedArgs& args, const PackedB& b) {
  const KernelSet& set = kernel_set(b.isa());
  GemmProblem<float> problem{};
  problem.set = &set;
  problem.kernels = set.gemm_f32;
  problem.m = args.m;
  problem.n = b.n();
  problem.k = b.k();
  problem.a = args.a;
  problem.a_row = args.a_row;
  problem.a_col = args.a_col;
  problem.packed_b = b.data();
  problem.c = args.c;
  problem.c_row = args.c_row;
  problem.alpha = args.alpha;
  problem.beta = args.beta;
  problem.bias = args.bias;
  problem.activation = args.activation;
  problem.residual = args.residual;
  problem.residual_row = args.residual_row;
  run_gemm(problem);
}

}  // namespace calque::kernels
