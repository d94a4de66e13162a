#include "kernels/gemm_words/driver.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
#include "base/threads.h"
#include "kernels/gemm/pack.h"
#include "kernels/gemm_words/epilogue.h"
#include "kernels/grain.h"

namespace calque::kernels {

namespace {

constexpr int64_t kLineWords = 16;
constexpr int64_t kMaxPackedWords = int64_t{1} << 20;  // of A at once: 4 MiB, a part of the last cache
constexpr int64_t kMaxTaskWords = int64_t{1} << 17;    // of A in one task: half of the second-level cache
constexpr int64_t kMaxUnpackingTaskWords = int64_t{1} << 19;  // likewise; more rows use what a task unpacks
constexpr int64_t kMinParallelWork = int64_t{1} << 17;        // products of words worth a second thread
constexpr int64_t kWeightRows = 4;  // fewer rows take as long as these: the time is that of reading B
constexpr int64_t kTasksPerThread = 4;
// A task of its own rows and all columns shares nothing with other threads; it pays when it uses each weight
// this often, and the weights of all columns come from the last cache at most.
constexpr int64_t kMinTaskRows = 32;
constexpr int64_t kMaxSharedWords = int64_t{1} << 21;

struct WordScratch {
  AlignedBuffer<uint32_t> a;
  AlignedBuffer<RowQuantization> quantization;
  AlignedBuffer<float> row;
  AlignedBuffer<float> unpacked;
};

WordScratch& word_scratch() {
  thread_local WordScratch scratch;
  return scratch;
}

/// Rows of A, an odd number of cache lines apart, so that they do not fall into one set of the first-level
/// cache.
struct PackedA {
  uint32_t* words;
  RowQuantization* quantization;
  int64_t row;
};

int64_t packed_row_words(int64_t words) { return (div_up(words, kLineWords) | 1) * kLineWords; }

// As many rows as `words` hold, in whole tiles, and at least one.
int64_t rows_in(const WordProblem& problem, int64_t words) {
  const int64_t mr = problem.kernels->mr;
  return std::max(mr, words / packed_row_words(problem.words) / mr * mr);
}

// As many rows as one task takes at most.
int64_t most_task_rows(const WordProblem& problem) {
  return rows_in(problem, problem.kernels->first_tile == nullptr ? kMaxTaskWords : kMaxUnpackingTaskWords);
}

PackedA packed_a(const WordProblem& problem, int64_t rows) {
  WordScratch& scratch = word_scratch();
  const int64_t row = packed_row_words(problem.words);
  return {.words = scratch.a.grow_to(static_cast<size_t>(rows * row)),
          .quantization = scratch.quantization.grow_to(static_cast<size_t>(rows)),
          .row = row};
}

// How a block of rows is cut into tasks. The cut never changes the order of any sum.
struct WordPlan {
  int64_t row_tasks;
  int64_t task_rows;
  int64_t col_tasks;
  int64_t task_panels;
};

WordPlan make_word_plan(const WordProblem& problem, int64_t rows, int64_t threads) {
  const int64_t mr = problem.kernels->mr;
  const int64_t panels = div_up(problem.n, problem.kernels->nr);
  int64_t row_tasks = div_up(rows, most_task_rows(problem));
  int64_t col_tasks = std::min(panels, kTasksPerThread * threads);
  if (col_tasks % threads != 0) {
    col_tasks = panels;
    row_tasks =
        std::max(row_tasks, std::min(div_up(rows, mr), div_up(2 * kTasksPerThread * threads, panels)));
  }
  WordPlan plan{};
  plan.task_rows = round_up(div_up(rows, row_tasks), mr);
  plan.row_tasks = div_up(rows, plan.task_rows);
  plan.task_panels = div_up(panels, col_tasks);
  plan.col_tasks = div_up(panels, plan.task_panels);
  return plan;
}

// A block of rows that are packed at once.
class RowBlock {
 public:
  /// Packs into the scratch of the calling thread.
  RowBlock(const GemmPackedArgs& args, const WordProblem& problem, int64_t first_row, int64_t rows)
      : args_(args),
        problem_(problem),
        first_row_(first_row),
        rows_(rows),
        a_(packed_a(problem, rows)),
        epilogue_(args, *problem.set, problem.gelu),
        residual_in_tile_(args.residual != nullptr && args.activation == Activation::kNone) {}

  void run(ThreadPool& pool, int64_t threads) const {
    pool.parallel_for(0, rows_, pack_grain(threads), [&](int64_t lo, int64_t hi) { pack_rows(lo, hi); });
    const WordPlan plan = make_word_plan(problem_, rows_, threads);
    const int64_t tasks = plan.row_tasks * plan.col_tasks;
    pool.parallel_for(0, tasks, 1, [&](int64_t lo, int64_t hi) {
      for (int64_t i = lo; i < hi; ++i) run_task(plan, i);
    });
  }

  void run_here() const {
    pack_rows(0, rows_);
    for (int64_t panel = 0; panel < div_up(problem_.n, problem_.kernels->nr); ++panel) {
      run_panel(panel, 0, rows_);
    }
    end_task();
  }

 private:
  int64_t pack_grain(int64_t threads) const {
    return std::max(row_grain(problem_.k) / 4, div_up(rows_, 2 * threads));
  }

  void pack_rows(int64_t lo, int64_t hi) const {
    for (int64_t i = lo; i < hi; ++i) {
      const float* x = args_.a + (first_row_ + i) * args_.a_row;
      if (args_.a_col != 1) x = gather(x);
      a_.quantization[i] = problem_.kernels->pack_row(problem_.k, x, problem_.factors, a_.words + i * a_.row);
    }
  }

  const float* gather(const float* x) const {
    float* const row = word_scratch().row.grow_to(static_cast<size_t>(problem_.k));
    for (int64_t j = 0; j < problem_.k; ++j) row[j] = x[j * args_.a_col];
    return row;
  }

  void run_task(const WordPlan& plan, int64_t index) const {
    const int64_t row = index / plan.col_tasks * plan.task_rows;
    const int64_t rows = std::min(plan.task_rows, rows_ - row);
    const int64_t panel = index % plan.col_tasks * plan.task_panels;
    const int64_t panel_end = std::min(panel + plan.task_panels, div_up(problem_.n, problem_.kernels->nr));
    for (int64_t p = panel; p < panel_end; ++p) run_panel(p, row, rows);
    end_task();
  }

  void end_task() const {
    if (problem_.kernels->end_task != nullptr) problem_.kernels->end_task();
  }

  void run_panel(int64_t panel, int64_t first_row, int64_t rows) const {
    const WordKernels& kernels = *problem_.kernels;
    const int64_t first_col = panel * kernels.nr;
    WordTile tile{};
    tile.words = problem_.words;
    tile.cols = static_cast<int>(std::min<int64_t>(kernels.nr, problem_.n - first_col));
    tile.a_row = a_.row;
    tile.b = problem_.b + first_col * problem_.b_words;
    tile.c_row = args_.c_row;
    tile.residual_row = args_.residual_row;
    tile.bias = args_.bias == nullptr ? nullptr : args_.bias + first_col;
    if (problem_.col_scales != nullptr) tile.col_scales = problem_.col_scales + first_col;
    if (problem_.col_sums != nullptr) tile.col_sums = problem_.col_sums + first_col;
    const int64_t tile_rows = round_up(div_up(rows, div_up(rows, kernels.mr)), kernels.row_unit);
    const bool unpacks = kernels.first_tile != nullptr && rows > kernels.few_rows;
    auto* run_tile = unpacks ? kernels.first_tile : kernels.tile;
    if (unpacks) tile.unpacked = unpacked_panel();
    for (int64_t row = first_row; row < first_row + rows; row += tile_rows) {
      tile.rows = static_cast<int>(std::min(tile_rows, first_row + rows - row));
      tile.a = a_.words + row * a_.row;
      tile.quantization = a_.quantization + row;
      tile.c = args_.c + (first_row_ + row) * args_.c_row + first_col;
      if (residual_in_tile_)
        tile.residual = args_.residual + (first_row_ + row) * args_.residual_row + first_col;
      run_tile(tile);
      if (unpacks) run_tile = kernels.next_tile;
      epilogue_.apply(tile, first_row_ + row, first_col);
    }
  }

  float* unpacked_panel() const {
    return word_scratch().unpacked.grow_to(static_cast<size_t>(problem_.words * problem_.kernels->nr));
  }

  const GemmPackedArgs& args_;
  const WordProblem& problem_;
  const int64_t first_row_;
  const int64_t rows_;
  const PackedA a_;
  const WordEpilogue epilogue_;
  const bool residual_in_tile_;
};

// Each task packs its own rows.
void run_by_rows(const GemmPackedArgs& args, const WordProblem& problem, int64_t threads) {
  const int64_t most = std::min(most_task_rows(problem), args.m);
  const int64_t wanted = threads == 1 ? most : div_up(args.m, kTasksPerThread * threads);
  const int64_t few = std::min(most, std::max(wanted, kMinTaskRows));
  const int64_t tasks = round_up(div_up(args.m, few), threads);
  const int64_t task_rows = div_up(args.m, tasks);
  parallel_for(0, tasks, threads == 1 ? tasks : 1, [&](int64_t lo, int64_t hi) {
    for (int64_t first = lo * task_rows; first < std::min(hi * task_rows, args.m); first += task_rows) {
      RowBlock(args, problem, first, std::min(task_rows, args.m - first)).run_here();
    }
  });
}

void log_words(const GemmPackedArgs& args, const WordProblem& problem, int64_t threads, bool by_rows) {
  log_line("dispatch", cat("gemm words [", args.m, ", ", problem.k, "]x[", problem.k, ", ", problem.n,
                           "] tile ", problem.kernels->mr, "x", problem.kernels->nr, " threads ", threads,
                           by_rows ? " by rows" : ""));
}

}  // namespace

void run_word_gemm(const GemmPackedArgs& args, const WordProblem& problem) {
  check(args.alpha == 1 && args.beta == 0, "products in low precision take alpha 1 and beta 0");
  if (args.m == 0 || problem.n == 0) return;
  const double work = static_cast<double>(std::max(args.m, kWeightRows)) * static_cast<double>(problem.n) *
                      static_cast<double>(problem.words);
  ThreadPool& pool = ThreadPool::global();
  const int64_t threads = work < kMinParallelWork || ThreadPool::in_parallel() ? 1 : pool.num_threads();
  const bool by_rows =
      threads == 1 || (args.m >= kMinTaskRows * threads && problem.n * problem.b_words <= kMaxSharedWords);
  if (log_on("dispatch")) log_words(args, problem, threads, by_rows);
  if (by_rows) return run_by_rows(args, problem, threads);
  const int64_t block_rows = rows_in(problem, kMaxPackedWords);
  for (int64_t first = 0; first < args.m; first += block_rows) {
    const int64_t rows = std::min(block_rows, args.m - first);
    RowBlock(args, problem, first, rows).run(pool, threads);
  }
}

}  // namespace calque::kernels
