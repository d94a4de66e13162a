#include "kernels/attention/attention.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/log.h"
#include "base/text.h"
#include "base/threads.h"
#include "kernels/attention/chunk.h"
#include "kernels/registry.h"

namespace calque::kernels {

namespace {

// Tasks: for each sequence, heads times chunks of its queries. The cut changes no result.
class AttentionPlan {
 public:
  void make(const AttentionArgs& args, const AttentionKernels& kernels) {
    first_task_.resize(static_cast<size_t>(args.sequences + 1));
    chunk_queries_.resize(static_cast<size_t>(args.sequences));
    double work = 0;
    for (int64_t s = 0; s < args.sequences; ++s) work += work_of(args, s);
    const int threads =
        work < kMinParallelWork || ThreadPool::in_parallel() ? 1 : ThreadPool::global().num_threads();
    const double most =
        threads == 1 ? std::numeric_limits<double>::max() : work / (kTasksPerThread * threads);
    const int64_t rows = kernels.rows;
    int64_t tasks = 0;
    for (int64_t s = 0; s < args.sequences; ++s) {
      const int64_t queries = args.q_offsets[s + 1] - args.q_offsets[s];
      const double head_work = work_of(args, s) / static_cast<double>(args.heads);
      const auto for_balance = static_cast<int64_t>(std::min(head_work / most, static_cast<double>(queries)));
      const int64_t least = ceil_div(queries, kMaxChunkQueries);
      const int64_t chunks = std::max(least, std::min(for_balance + 1, queries / kMinChunkQueries));
      const int64_t chunk = chunks == 0 ? rows : ceil_div(ceil_div(queries, chunks), rows) * rows;
      first_task_[static_cast<size_t>(s)] = tasks;
      chunk_queries_[static_cast<size_t>(s)] = std::min(chunk, kMaxChunkQueries);
      tasks += args.heads * ceil_div(queries, chunk_queries_[static_cast<size_t>(s)]);
    }
    first_task_.back() = tasks;
    grain_ = std::max<int64_t>(1, tasks);
    if (threads > 1) {
      const double share = kMinTaskWork * static_cast<double>(tasks) / work;
      grain_ = std::clamp<int64_t>(static_cast<int64_t>(share), 1, std::max<int64_t>(1, tasks / threads));
    }
  }

  int64_t tasks() const { return first_task_.back(); }
  int64_t grain() const { return grain_; }

  AttentionChunk chunk(const AttentionArgs& args, int64_t task) const {
    const auto after = std::upper_bound(first_task_.begin(), first_task_.end(), task);
    const int64_t s = after - first_task_.begin() - 1;
    const int64_t queries = args.q_offsets[s + 1] - args.q_offsets[s];
    const int64_t most = chunk_queries_[static_cast<size_t>(s)];
    const int64_t chunks = ceil_div(queries, most);
    const int64_t index = task - first_task_[static_cast<size_t>(s)];
    const int64_t first = index % chunks * most;
    return {.sequence = s, .head = index / chunks, .first = first, .count = std::min(most, queries - first)};
  }

 private:
  static constexpr double kMinParallelWork = 1 << 18;  // multiplications worth a second thread
  static constexpr double kMinTaskWork = 1 << 16;      // multiplications worth the hand-over of a task
  static constexpr double kTasksPerThread = 4;
  static constexpr int64_t kMinChunkQueries = 48;  // fewer do not pay for packing the keys once more
  static constexpr int64_t kPackingQueries = 4;    // packing a key costs about as much as so many queries

  static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

  static double work_of(const AttentionArgs& args, int64_t sequence) {
    const auto queries = static_cast<double>(args.q_offsets[sequence + 1] - args.q_offsets[sequence]);
    const auto keys = static_cast<double>(args.k_offsets[sequence + 1] - args.k_offsets[sequence]);
    if (queries == 0) return 0;
    return (queries + kPackingQueries) * keys * static_cast<double>(args.heads) *
           static_cast<double>(args.head_size + args.value_size);
  }

  std::vector<int64_t> first_task_;
  std::vector<int64_t> chunk_queries_;
  int64_t grain_ = 1;
};

void run_attention(const AttentionArgs& args, const AttentionKernels& kernels) {
  if (args.sequences == 0 || args.heads == 0 || args.value_size == 0) return;
  thread_local AttentionPlan plan;
  plan.make(args, kernels);
  if (log_on("dispatch")) {
    log_line("dispatch", cat(kernels.word == 1 ? "attention f32 " : "attention bf16 ", args.sequences,
                             " sequences, ", args.heads, " heads of ", args.head_size, ", tile of ",
                             kernels.rows, " queries, tasks ", plan.tasks()));
  }
  const AttentionPlan& tasks = plan;  // of this thread, not of those that run the loop
  parallel_for(0, tasks.tasks(), tasks.grain(), [&](int64_t lo, int64_t hi) {
    thread_local AttentionScratch scratch;
    for (int64_t i = lo; i < hi; ++i) run_attention_chunk(args, kernels, tasks.chunk(args, i), scratch);
  });
}

}  // namespace

void attention(const AttentionArgs& args) { run_attention(args, *active_kernels().attention); }

void attention_bf16(const AttentionArgs& args) { run_attention(args, *active_kernels().attention_bf16); }

}  // namespace calque::kernels
