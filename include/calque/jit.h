// TorchScript modules: load, run, look inside, save. Names follow torch::jit.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "calque/ivalue.h"
#include "calque/tensor.h"

namespace calque {
class Function;
}

namespace calque::jit {

using Kwargs = std::unordered_map<std::string, IValue>;
/// File name -> content, kept below `extra/` in the archive.
using ExtraFilesMap = std::unordered_map<std::string, std::string>;

/// How products on weights are computed. Everything else, weights in the module included, stays float32.
enum class Precision : int64_t {
  Float32,
  BFloat16,  ///< weights and activations rounded to bfloat16, sums in float32
  Int8,      ///< weights in 8 bits for each output channel, activations in 8 bits for each token, exact sums
  Int8Weights,  ///< weights in 8 bits for each output channel, the rest in float32: for few tokens, when time
                ///< is that of reading the weights
  Int4Weights,  ///< weights in 4 bits for each 32 inputs of a channel, the rest in float32
};

/// Of "float32", "bf16", "int8", "int8-weights" and "int4-weights"; ValueError for other texts.
Precision precision_from_name(std::string_view name);
std::string_view precision_name(Precision precision);

/// Limits and choices of load. Defaults are meant for untrusted files.
struct LoadOptions {
  /// Map the file and use the weights in place. false reads it into memory (better on network disks).
  bool use_mmap = true;
  /// Convert floating-point parameters and buffers to this dtype while loading.
  std::optional<ScalarType> dtype{};
  /// How the module's products are computed when it runs. Those on weights that the archive holds in low
  /// precision (calque/quantize.h) stay as they are.
  Precision precision = Precision::Float32;
  /// Pack the weights that `forward` multiplies by now, and not in the first call.
  bool prepare = true;
  /// Graph passes to leave out, by name: see pass_names(). ValueError for an unknown one. CALQUE_DISABLE_PASS
  /// adds to it.
  std::vector<std::string> disable_pass{};
  /// Keep how long each pass takes, for pass_times().
  bool time_passes = false;
  /// Folder where the graph of each function that is planned is written after each pass, as
  /// `FUNCTION.03-pass.txt`. CALQUE_DUMP_PHASES is the default.
  std::string dump_phases{};
  /// Upper bound of memory that loading may take beyond the file itself, in bytes.
  int64_t max_memory = int64_t{8} << 30;
  /// Deepest nesting of expressions, blocks, pickled containers and calls.
  int max_depth = 400;
  /// Check the CRC-32 of every record, not only of code and pickles.
  bool verify_checksums = false;
  /// Called with remarks that are no errors, for example a device baked into the file that is ignored.
  std::function<void(const std::string&)> on_note{};
};

/// Limits of one run. Zero means no limit.
struct RunOptions {
  int64_t max_memory = 0;  ///< bytes of the tensors that this run holds at one time, and of any text or list
  double max_seconds = 0;  ///< wall clock
  int64_t max_iterations = 0;  ///< loop iterations in total
  int max_recursion = 200;     ///< depth of calls that are not inlined
  /// Where a model's tokens are independent but for its attention mask: leave out the positions that the mask
  /// excludes, and give zeros there. Otherwise they are computed, as PyTorch does.
  bool skip_padding = false;
  /// Each row of a batch gets the bits that it gets alone, whatever the other rows are and however many.
  /// Positions that an attention mask excludes are not meant, nor operators that are defined over a batch.
  bool batch_invariant = false;
  std::shared_ptr<std::atomic<bool>>
      cancel{};  ///< set it from another thread: the run ends with CancelledError
};

struct NamedTensor {
  std::string name;  ///< dotted path
  Tensor value;
};

class Method;

/// Handle to a module object. Copies share the object. Calls are safe from many threads at once as long as no
/// program writes to attributes; load is safe from many threads, too.
class Module {
 public:
  Module() = default;
  explicit Module(Ref<ObjectImpl> object) : object_(std::move(object)) {}

  /// Runs `forward`. Arguments by position, then by name. RuntimeError with PyTorch's text (and the place in
  /// the program) when an operator fails; TypeError / RuntimeError for wrong arguments as PyTorch words them.
  IValue forward(std::vector<IValue> inputs, const Kwargs& kwargs = {}, const RunOptions& options = {}) const;
  IValue operator()(std::vector<IValue> inputs, const Kwargs& kwargs = {}) const {
    return forward(std::move(inputs), kwargs);
  }
  /// RuntimeError "Method 'x' is not defined." when absent.
  Method get_method(std::string_view name) const;
  std::optional<Method> find_method(std::string_view name) const;
  std::vector<Method> get_methods() const;
  IValue run_method(std::string_view name, std::vector<IValue> inputs, const Kwargs& kwargs = {}) const;

  bool hasattr(std::string_view name) const;
  /// AttributeError-like RuntimeError when absent.
  IValue attr(std::string_view name) const;
  IValue attr(std::string_view name, IValue fallback) const;
  void setattr(std::string_view name, IValue value) const;

  /// Dotted names, in the order of definition, own ones first. Shared tensors are listed once (state_dict
  /// lists all).
  std::vector<NamedTensor> named_parameters(bool recurse = true) const;
  std::vector<NamedTensor> named_buffers(bool recurse = true) const;
  std::vector<Tensor> parameters(bool recurse = true) const;
  std::vector<Tensor> buffers(bool recurse = true) const;
  /// Parameters and buffers under every name.
  std::vector<NamedTensor> state_dict() const;
  std::vector<std::pair<std::string, Module>> named_children() const;
  /// Itself as "" first.
  std::vector<std::pair<std::string, Module>> named_modules() const;
  std::vector<std::pair<std::string, IValue>> named_attributes() const;

  void eval() const { train(false); }
  void train(bool on = true) const;
  bool is_training() const;
  /// Converts floating-point parameters and buffers in place.
  void to(ScalarType dtype) const;

  /// Python class name without path, for example `BertModel`.
  std::string original_name() const;
  /// Qualified class name, for example `__torch__.transformers.models.bert.modeling_bert.BertModel`.
  std::string type_name() const;
  /// TorchScript source of `forward`, as torch prints `.code`.
  std::string code() const;
  /// Graph of `forward`; inlined: with all submodule calls replaced by their bodies.
  std::string graph(bool inlined = false) const;

  void save(const std::string& path, const ExtraFilesMap& extra_files = {}) const;
  void save(std::ostream& out, const ExtraFilesMap& extra_files = {}) const;
  Module copy() const;      ///< new objects, shared tensors
  Module deepcopy() const;  ///< new objects, copied tensors (sharing among them is kept)
  Module clone() const { return deepcopy(); }

  const Ref<ObjectImpl>& _ivalue() const { return object_; }
  explicit operator bool() const { return static_cast<bool>(object_); }

 private:
  Ref<ObjectImpl> object_;
};

/// A method bound to its module.
class Method {
 public:
  Method(Module owner, Function* function) : owner_(std::move(owner)), function_(function) {}
  IValue operator()(std::vector<IValue> inputs, const Kwargs& kwargs = {},
                    const RunOptions& options = {}) const;
  std::string name() const;
  /// `forward(__torch__.M self, Tensor x) -> Tensor`
  std::string schema() const;
  /// Names of the arguments without self, in order.
  std::vector<std::string> argument_names() const;
  Function& function() const { return *function_; }
  const Module& owner() const { return owner_; }

 private:
  Module owner_;
  Function* function_;
};

/// Loads a TorchScript archive. Runs no code of it. LoadError says what is wrong, where, and what to do.
Module load(const std::string& path, const LoadOptions& options = {});
/// `extra_files`: names present as keys are filled with their content, or with "" when absent.
Module load(const std::string& path, ExtraFilesMap& extra_files, const LoadOptions& options = {});
Module load(std::istream& in, const LoadOptions& options = {});
/// libtorch's signature. The device is accepted and ignored: everything runs on the CPU.
Module load(const std::string& path, std::optional<Device> device, ExtraFilesMap& extra_files);
/// Archive held in memory; `keeper` keeps `data` alive, and the weights are used in place.
Module load(const void* data, size_t size, std::shared_ptr<const void> keeper,
            const LoadOptions& options = {});
Module load(const void* data, size_t size, std::shared_ptr<const void> keeper, ExtraFilesMap& extra_files,
            const LoadOptions& options = {});

/// The passes over the graphs of programs, in the order in which they run.
std::vector<std::string> pass_names();
/// ValueError for a name that no pass has; it lists the passes, the most similar name first.
void check_pass_names(const std::vector<std::string>& names);

/// How long one pass took over the graph of one function.
struct PassTime {
  std::string function;  ///< qualified name
  std::string pass;
  double seconds = 0;
};

/// Of the functions of a module that was loaded with `time_passes` and that are planned by now, in the order
/// of the passes.
std::vector<PassTime> pass_times(const Module& module);

/// Writes an archive that torch.jit.load of PyTorch 1.13 and newer reads. Same module, same bytes. Written to
/// a temporary file and renamed.
void save(const Module& module, const std::string& path, const ExtraFilesMap& extra_files = {});

/// The same, with records that hold the weights of `forward` once more, in the order in which this
/// processor's instruction set multiplies by them, for the precision that the module was loaded with. A load
/// on such a processor and with that precision uses them from the mapped file and packs nothing; others
/// ignore them, as PyTorch does. ValueError when there is nothing to pack.
void save_packed(const Module& module, const std::string& path, const ExtraFilesMap& extra_files = {});

/// torch.jit.freeze: a new module whose `forward` and preserved methods have every call inlined, and
/// attributes that no kept code writes turned into constants, folded as far as they go. Submodules,
/// parameters and methods that nothing uses any more are gone; tensors are shared with `module`, which stays
/// as it is. `preserved_attrs` names attributes (dotted paths, too; a submodule stays whole), and methods,
/// that stay. Saves like any other module. `optimize_numerics` lets the result differ by rounding: a batch
/// norm behind a convolution becomes part of its weights. RuntimeError in PyTorch's words for a module in
/// training mode, and for unknown names.
Module freeze(const Module& module, const std::vector<std::string>& preserved_attrs = {},
              bool optimize_numerics = true);

/// torch.jit.optimize_for_inference: the module in eval mode, frozen unless it is already (it has no
/// `training` then), with the plans of its methods made now in place of the first call. A module that is not
/// frozen yet is put into eval mode, as PyTorch does. `other_methods` stay beside `forward`.
Module optimize_for_inference(const Module& module, const std::vector<std::string>& other_methods = {});

namespace script {
using jit::Module;
}

}  // namespace calque::jit
