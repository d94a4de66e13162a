#include "kernels/gemm/driver.h"

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "base/threads.h"
#include "kernels/gemm/epilogue.h"
#include "kernels/gemm/pack.h"

namespace calque::kernels {

namespace {

constexpr int64_t kMaxTaskRows = 512;                   // bounds the packed block of A
constexpr int64_t kMaxScratchPanels = 16;               // bounds the sums that cannot be kept in C
constexpr int64_t kMinParallelWork = int64_t{1} << 18;  // multiplications worth a second thread
constexpr int64_t kTasksPerThread = 2;
// With packed weights, tasks of all columns of their rows pack each element of A once. They need as many rows
// to pay for reading all weights in each thread; with more, A leaves the second-level cache.
constexpr int64_t kMinOwnRows = 64;
constexpr int64_t kMaxOwnRows = 256;

template <class T>
struct Scratch {
  AlignedBuffer<T> a;
  AlignedBuffer<T> b;
  AlignedBuffer<T> sums;
  AlignedBuffer<T> old_c;
};

template <class T>
Scratch<T>& thread_scratch() {
  thread_local Scratch<T> scratch;
  return scratch;
}

// How one product is cut into tasks. The cut never changes the order of any sum.
struct Plan {
  int64_t row_tasks;
  int64_t task_rows;
  int64_t col_tasks;
  int64_t task_panels;
};

template <class T>
bool keeps_sums_in_c(const GemmProblem<T>& problem) {
  return problem.storage == Storage::kNative && (problem.beta == 0 || problem.k <= kGemmDepth);
}

template <class T>
bool goes_by_rows(const GemmProblem<T>& problem, int64_t products, int64_t threads) {
  return problem.packed_b != nullptr && products == 1 && keeps_sums_in_c(problem) &&
         problem.m >= kMinOwnRows * kTasksPerThread * threads;
}

template <class T>
Plan plan_by_rows(const GemmProblem<T>& problem, int64_t threads) {
  const int64_t few = std::clamp(div_up(problem.m, kTasksPerThread * threads), kMinOwnRows, kMaxOwnRows);
  const int64_t tasks = round_up(div_up(problem.m, few), threads);
  const int64_t rows = round_up(div_up(problem.m, tasks), problem.kernels->mr);
  return {.row_tasks = div_up(problem.m, rows),
          .task_rows = rows,
          .col_tasks = 1,
          .task_panels = div_up(problem.n, problem.kernels->nr)};
}

template <class T>
Plan make_plan(const GemmProblem<T>& problem, int64_t products, int64_t threads) {
  if (goes_by_rows(problem, products, threads)) return plan_by_rows(problem, threads);
  const int64_t panels = div_up(problem.n, problem.kernels->nr);
  const int64_t wanted = threads == 1 ? 1 : div_up(kTasksPerThread * threads, products);
  int64_t row_tasks = div_up(problem.m, kMaxTaskRows);
  int64_t col_tasks = std::min(panels, div_up(wanted, row_tasks));
  if (!keeps_sums_in_c(problem)) col_tasks = std::max(col_tasks, div_up(panels, kMaxScratchPanels));
  row_tasks =
      std::max(row_tasks, std::min(div_up(problem.m, problem.kernels->mr), div_up(wanted, col_tasks)));
  Plan plan{};
  plan.task_rows = round_up(div_up(problem.m, row_tasks), problem.kernels->mr);
  plan.row_tasks = div_up(problem.m, plan.task_rows);
  plan.task_panels = div_up(panels, col_tasks);
  plan.col_tasks = div_up(panels, plan.task_panels);
  return plan;
}

// Rows [row, row + rows) and panels [panel, panel_end) of one product.
template <class T>
class Task {
 public:
  Task(const GemmProblem<T>& problem, const Plan& plan, int64_t index)
      : problem_(problem), kernels_(*problem.kernels), scratch_(thread_scratch<T>()) {
    const int64_t col_task = index % plan.col_tasks;
    const int64_t row_task = index / plan.col_tasks % plan.row_tasks;
    const int64_t product = index / (plan.col_tasks * plan.row_tasks);
    const GemmBatch& batch = problem.batch;
    const int64_t outer = product / batch.inner;
    const int64_t inner = product % batch.inner;
    row_ = row_task * plan.task_rows;
    rows_ = std::min(plan.task_rows, problem.m - row_);
    panel_ = col_task * plan.task_panels;
    panel_end_ = std::min(panel_ + plan.task_panels, div_up(problem.n, kernels_.nr));
    const int64_t size = element_size<T>(problem.storage);
    a_ = static_cast<const char*>(problem.a) +
         (outer * batch.a_outer + inner * batch.a_inner + row_ * problem.a_row) * size;
    b_ = static_cast<const char*>(problem.b) + (outer * batch.b_outer + inner * batch.b_inner) * size;
    c_ = static_cast<char*>(problem.c) +
         (outer * batch.c_outer + inner * batch.c_inner + row_ * problem.c_row) * size;
    blocks_ = std::max<int64_t>(1, div_up(problem.k, kGemmDepth));
    const int64_t row_tiles = div_up(rows_, kernels_.mr);
    tile_rows_ = div_up(rows_, row_tiles);
  }

  // When all of A's blocks fit, each panel is finished before the next, and its sums stay in the first-level
  // cache.
  void run() {
    const bool fits = rows_ * blocks_ <= kMaxTaskRows;
    T* const a = scratch_.a.grow_to(static_cast<size_t>(rows_ * kPackedRow * (fits ? blocks_ : 1)));
    if (!fits) {
      for (int64_t block = 0; block < blocks_; ++block) {
        pack_a(block, a);
        for (int64_t panel = panel_; panel < panel_end_; ++panel) run_panel(panel, block, a);
      }
      return;
    }
    for (int64_t block = 0; block < blocks_; ++block) pack_a(block, a + block * rows_ * kPackedRow);
    for (int64_t panel = panel_; panel < panel_end_; ++panel) {
      for (int64_t block = 0; block < blocks_; ++block)
        run_panel(panel, block, a + block * rows_ * kPackedRow);
    }
  }

 private:
  int64_t block_depth(int64_t block) const { return std::min(kGemmDepth, problem_.k - block * kGemmDepth); }
  int64_t element() const { return element_size<T>(problem_.storage); }

  void pack_a(int64_t block, T* packed) {
    const char* const from = a_ + block * kGemmDepth * problem_.a_col * element();
    pack_a_block(problem_, {from, problem_.a_row, problem_.a_col}, rows_, block_depth(block), packed);
  }

  const T* packed_b(int64_t panel, int64_t block, int cols) {
    const int64_t width = round_up(cols, kernels_.width);
    const int64_t first_col = panel * kernels_.nr;
    if (problem_.packed_b != nullptr)
      return problem_.packed_b + first_col * problem_.k + block * kGemmDepth * width;
    T* const packed = scratch_.b.grow_to(static_cast<size_t>(kGemmDepth * kernels_.nr));
    const char* const from =
        b_ + (block * kGemmDepth * problem_.b_row + first_col * problem_.b_col) * element();
    pack_b_block(problem_, {from, problem_.b_row, problem_.b_col}, block_depth(block), cols, width, packed);
    return packed;
  }

  // One block of k for all rows of one panel.
  void run_panel(int64_t panel, int64_t block, const T* a) {
    const int64_t first_col = panel * kernels_.nr;
    const int cols = static_cast<int>(std::min<int64_t>(kernels_.nr, problem_.n - first_col));
    char* const c = c_ + first_col * element();
    const bool in_c = keeps_sums_in_c(problem_);
    const int64_t sums_row = in_c ? problem_.c_row : (panel_end_ - panel_) * kernels_.nr;
    T* const sums =
        in_c ? reinterpret_cast<T*>(c)
             : scratch_.sums.grow_to(static_cast<size_t>(rows_ * sums_row)) + (panel - panel_) * kernels_.nr;
    const bool last = block == blocks_ - 1;
    const bool native = problem_.storage == Storage::kNative;
    T bias[kMaxGemmCols];
    GemmTile<T> tile{};
    tile.k = block_depth(block);
    tile.cols = cols;
    tile.b = packed_b(panel, block, cols);
    tile.partial = block == 0 ? nullptr : sums;
    tile.partial_row = sums_row;
    tile.out = last && native ? reinterpret_cast<T*>(c) : sums;
    tile.out_row = last && native ? problem_.c_row : sums_row;
    tile.last = last;
    tile.alpha = problem_.alpha;
    tile.beta = problem_.beta;
    if (last && problem_.bias != nullptr) {
      load_row(problem_, cols, static_cast<const char*>(problem_.bias) + first_col * element(), bias);
      tile.bias = bias;
    }
    if (last && problem_.beta != 0) set_old_c(c, cols, tile);
    if (last && adds_residual_in_tile()) {
      tile.residual = problem_.residual + row_ * problem_.residual_row + first_col;
      tile.residual_row = problem_.residual_row;
    }
    run_tiles(tile, a);
    if (last) finish_panel(c, first_col, cols, sums, sums_row);
  }

  void set_old_c(const char* c, int cols, GemmTile<T>& tile) {
    if (problem_.storage == Storage::kNative) {
      tile.c = reinterpret_cast<const T*>(c);
      tile.c_row = problem_.c_row;
      return;
    }
    T* const old_c = scratch_.old_c.grow_to(static_cast<size_t>(rows_ * kernels_.nr));
    for (int64_t i = 0; i < rows_; ++i) {
      load_row(problem_, cols, c + i * problem_.c_row * element(), old_c + i * kernels_.nr);
    }
    tile.c = old_c;
    tile.c_row = kernels_.nr;
  }

  void run_tiles(GemmTile<T> tile, const T* a) {
    for (int64_t row = 0; row < rows_; row += tile_rows_) {
      tile.rows = static_cast<int>(std::min(tile_rows_, rows_ - row));
      tile.a = a + row * kPackedRow;
      kernels_.tile(tile);
      if (tile.partial != nullptr) tile.partial += tile_rows_ * tile.partial_row;
      if (tile.c != nullptr) tile.c += tile_rows_ * tile.c_row;
      if (tile.residual != nullptr) tile.residual += tile_rows_ * tile.residual_row;
      tile.out += tile_rows_ * tile.out_row;
    }
  }

  bool adds_residual_in_tile() const {
    return problem_.residual != nullptr && problem_.activation == Activation::kNone &&
           problem_.storage == Storage::kNative;
  }

  void finish_panel(char* c, int64_t first_col, int cols, const T* sums, int64_t sums_row) {
    for (int64_t i = 0; i < rows_ && problem_.storage != Storage::kNative; ++i) {
      store_row(problem_, cols, sums + i * sums_row, c + i * problem_.c_row * element());
    }
    if (problem_.activation == Activation::kNone && (problem_.residual == nullptr || adds_residual_in_tile()))
      return;
    apply_epilogue(problem_, {.row = row_, .rows = rows_, .first_col = first_col, .cols = cols},
                   reinterpret_cast<T*>(c));
  }

  const GemmProblem<T>& problem_;
  const GemmKernels<T>& kernels_;
  Scratch<T>& scratch_;
  int64_t row_;
  int64_t rows_;
  int64_t panel_;
  int64_t panel_end_;
  int64_t blocks_;
  int64_t tile_rows_;
  const char* a_;
  const char* b_;
  char* c_;
};

template <class T>
void log_plan(const GemmProblem<T>& problem, const Plan& plan, int64_t products) {
  log_line("dispatch", cat("gemm f", 8 * sizeof(T), " ", products, "x[", problem.m, ", ", problem.k, "]x[",
                           problem.k, ", ", problem.n, "] tile ", problem.kernels->mr, "x",
                           problem.kernels->nr, problem.packed_b != nullptr ? " packed" : "", " tasks ",
                           products * plan.row_tasks * plan.col_tasks));
}

template <class T>
void run(const GemmProblem<T>& problem) {
  const int64_t products = problem.batch.outer * problem.batch.inner;
  if (problem.m == 0 || problem.n == 0 || products == 0) return;
  const double work = static_cast<double>(products) * static_cast<double>(problem.m) *
                      static_cast<double>(problem.n) * static_cast<double>(std::max<int64_t>(1, problem.k));
  ThreadPool& pool = ThreadPool::global();
  const int64_t threads = work < kMinParallelWork || ThreadPool::in_parallel() ? 1 : pool.num_threads();
  const Plan plan = make_plan(problem, products, threads);
  if (log_on("dispatch")) log_plan(problem, plan, products);
  const int64_t tasks = products * plan.row_tasks * plan.col_tasks;
  const auto body = [&](int64_t lo, int64_t hi) {
    for (int64_t i = lo; i < hi; ++i) Task<T>(problem, plan, i).run();
  };
  pool.parallel_for(0, tasks, threads == 1 ? tasks : 1, body);
}

}  // namespace

void run_gemm(const GemmProblem<float>& problem) { run(problem); }
void run_gemm(const GemmProblem<double>& problem) { run(problem); }

}  // namespace calque::kernels
