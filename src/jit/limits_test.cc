// What a caller can limit, and what many threads may do at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "calque/compilation_unit.h"
#include "calque/error.h"
#include "calque/jit.h"
#include "torchscript/reader_testing.h"

namespace calque::jit {
namespace {

using testing::HasSubstr;

constexpr const char* kSource = R"(
def grows(n: int) -> Tensor:
    return torch.zeros([n])

def reuses(n: int) -> Tensor:
    x = torch.zeros([n])
    for i in range(100):
        x = x + 1
    return x

def endless(x: Tensor) -> Tensor:
    while True:
        x = x + 1
    return x

def spins() -> int:
    n = 0
    while True:
        n += 1
    return n

def loops(n: int) -> int:
    total = 0
    for i in range(n):
        for k in range(2):
            total += k
    return total

def text(n: int) -> int:
    s = "0123456789"
    for i in range(n):
        s = s + s
    return len(s)

def items(n: int) -> int:
    out: List[int] = []
    for i in range(n):
        out.append(i)
    return len(out)

def steady(x: Tensor) -> Tensor:
    for i in range(20):
        x = torch.tanh(x.matmul(x)) + x.sum()
    return x.sum()
)";

const CompilationUnit& program() {
  static const std::shared_ptr<CompilationUnit> unit = compile(kSource);
  return *unit;
}

template <class E>
std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

TEST(RunOptions, MemoryIsWhatIsHeldAtOneTime) {
  const RunOptions options{.max_memory = 10'000};
  EXPECT_EQ(program().run("reuses", {1000}, {}, options).toTensor().numel(), 1000);
  EXPECT_EQ(program().run("grows", {2500}, {}, options).toTensor().numel(), 2500);
  const std::string error = error_of<LimitError>([&] { program().run("grows", {2501}, {}, options); });
  EXPECT_THAT(
      error,
      HasSubstr("this run may hold 10000 bytes of tensors; 0 are in use and an operator asks for 10004"));
  EXPECT_THAT(error, HasSubstr("aten::zeros"));
}

TEST(RunOptions, MemoryBoundsTextsAndLists) {
  const RunOptions options{.max_memory = 100'000};
  EXPECT_EQ(program().run("text", {10}, {}, options).toInt(), 10 << 10);
  EXPECT_THAT(error_of<LimitError>([&] { program().run("text", {60}, {}, options); }),
              HasSubstr("does not fit in the memory that this run may take"));
  EXPECT_EQ(program().run("items", {100}, {}, options).toInt(), 100);
  EXPECT_THAT(error_of<LimitError>([&] { program().run("items", {1'000'000'000}, {}, options); }),
              HasSubstr("a list of "));
}

TEST(RunOptions, ResultsOutliveTheirBudget) {
  Tensor result;
  {
    const RunOptions options{.max_memory = 4000};
    result = program().run("grows", {1000}, {}, options).toTensor();
  }
  EXPECT_EQ(result.data_ptr<float>()[999], 0);
}

TEST(RunOptions, Seconds) {
  for (const char* name : {"endless", "spins"}) {
    std::vector<IValue> inputs;
    if (std::string(name) == "endless") inputs.emplace_back(zeros({1}));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THAT(error_of<LimitError>([&] { program().run(name, inputs, {}, {.max_seconds = 0.05}); }),
                HasSubstr("the run took longer than the 0.05 s that RunOptions::max_seconds allows"));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  }
}

TEST(RunOptions, IterationsAreCountedOverAllLoops) {
  EXPECT_EQ(program().run("loops", {3}, {}, {.max_iterations = 9}).toInt(), 3);
  EXPECT_THAT(error_of<LimitError>([] { program().run("loops", {3}, {}, {.max_iterations = 8}); }),
              HasSubstr("more than the 8 loop iterations that RunOptions::max_iterations allows"));
  EXPECT_THAT(error_of<LimitError>([] { program().run("spins", {}, {}, {.max_iterations = 1000}); }),
              HasSubstr("more than the 1000 loop iterations"));
}

TEST(RunOptions, CancelFromAnotherThread) {
  const auto cancel = std::make_shared<std::atomic<bool>>(false);
  std::atomic<int> cancelled = 0;
  std::vector<std::thread> runs;
  for (int i = 0; i < 4; ++i) {
    runs.emplace_back([&, i] {
      const char* name = i % 2 == 0 ? "spins" : "endless";
      const std::vector<IValue> inputs = i % 2 == 0 ? std::vector<IValue>{} : std::vector<IValue>{zeros({8})};
      try {
        program().run(name, inputs, {}, {.cancel = cancel});
      } catch (const CancelledError& error) {
        if (error.msg() == "the run was cancelled") ++cancelled;
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  *cancel = true;
  for (std::thread& run : runs) run.join();
  EXPECT_EQ(cancelled, 4);
  EXPECT_THROW(program().run("grows", {1}, {}, {.cancel = cancel}), CancelledError);
  *cancel = false;
  EXPECT_EQ(program().run("grows", {1}, {}, {.cancel = cancel}).toTensor().numel(), 1);
}

// Calls through an interface are not inlined, so they can nest as deep as objects do.
torchscript::testing_support::FakeArchive chain(int links) {
  torchscript::testing_support::FakeArchive archive;
  archive.sources = {{"__torch__",
                      "class I(ModuleInterface):\n"
                      "  def forward(self: __torch__.I, x: int) -> int:\n    pass\n"
                      "class Leaf(Module):\n"
                      "  def forward(self: __torch__.Leaf, x: int) -> int:\n    return x\n"
                      "class Link(Module):\n  next : __torch__.I\n"
                      "  def forward(self: __torch__.Link, x: int) -> int:\n"
                      "    next = self.next\n    return torch.add((next).forward(x, ), 1)\n"}};
  std::string object = torchscript::testing_support::pickled_object("Leaf", {});
  for (int i = 0; i < links; ++i)
    object = torchscript::testing_support::pickled_object("Link", {{"next", object}});
  archive.data_pickle = object;
  return archive;
}

Module load_chain(int links, const LoadOptions& options = {}) {
  return Module(torchscript::testing_support::load_bytes(chain(links).bytes(), options).root);
}

TEST(RunOptions, Recursion) {
  EXPECT_EQ(load_chain(5).forward({0}, {}, {.max_recursion = 5}).toInt(), 5);
  EXPECT_THAT(error_of<LimitError>([] { load_chain(6).forward({0}, {}, {.max_recursion = 5}); }),
              HasSubstr("calls are nested deeper than the 5 that RunOptions::max_recursion allows"));
}

TEST(LoadOptions, Depth) {
  EXPECT_THAT(error_of<Error>([] { load_chain(60, {.max_depth = 40}); }), HasSubstr("40"));
  EXPECT_EQ(load_chain(60, {.max_depth = 400}).forward({0}).toInt(), 60);
}

TEST(LoadOptions, Memory) {
  EXPECT_THAT(error_of<LimitError>([] { load_chain(3, {.max_memory = 100}); }),
              HasSubstr("LoadOptions::max_memory"));
}

std::string saved_program() {
  std::ostringstream out;
  compile(kSource)->module("steady").save(out);
  return out.str();
}

TEST(Threads, LoadAndRunOneArchiveAtOnce) {
  const auto bytes = std::make_shared<const std::string>(saved_program());
  const Module shared = load(bytes->data(), bytes->size(), bytes);
  const Tensor input = full(std::vector<int64_t>{6, 6}, 0.25, kFloat32);
  const double expected = program().run("steady", {input}).toTensor().item().to_double();
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      const Module own = load(bytes->data(), bytes->size(), bytes);
      for (int i = 0; i < 5; ++i) {
        for (const Module* module : {&own, &shared}) {
          const RunOptions options{.max_memory = i % 2 == 0 ? 0 : 1 << 20};
          const Tensor sum = module->forward({input}, {}, options).toTensor();
          if (sum.item().to_double() == expected) ++right;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 80);
}

TEST(Threads, FreezeWhileOthersRun) {
  const auto bytes = std::make_shared<const std::string>(saved_program());
  const Module shared = load(bytes->data(), bytes->size(), bytes);
  shared.eval();
  const Tensor input = full(std::vector<int64_t>{6, 6}, 0.25, kFloat32);
  std::vector<std::thread> threads;
  std::atomic<int> done = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const Module module = t % 2 == 0 ? shared : freeze(shared);
      for (int i = 0; i < 5; ++i) done += module.forward({input}).isTensor() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 20);
}

}  // namespace
}  // namespace calque::jit
