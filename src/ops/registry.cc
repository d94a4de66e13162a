// All operators: the tables in the order that gives PyTorch's order of overloads.
#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "base/check.h"
#include "base/text.h"
#include "ops/tables.h"

namespace calque {

namespace {

using namespace ops;

/// The overloads of one name. Schemas are read when the name is first asked for.
struct Overloads {
  std::vector<const OpRow*> rows;
  std::once_flag once;
  std::vector<std::unique_ptr<const Operator>> operators;
  std::vector<const Operator*> pointers;

  void parse() {
    std::call_once(once, [this] {
      for (const OpRow* row : rows) {
        operators.push_back(std::make_unique<const Operator>(parse_schema(row->schema), row->reference));
        pointers.push_back(operators.back().get());
      }
    });
  }
};

/// `aten::add` of `aten::add.Tensor(Tensor self, …`.
std::string_view base_name(std::string_view schema) { return schema.substr(0, schema.find_first_of(".(")); }

class Registry {
 public:
  Registry() {
    // Overloads of one name are tried in this order: operators of tensors come first, those of containers and
    // numbers after them.
    for (const OpTable table : {arithmetic_ops(),
                                pointwise_ops(),
                                unary_ops(),
                                compare_ops(),
                                activation_ops(),
                                softmax_ops(),
                                matmul_ops(),
                                einsum_ops(),
                                norm_ops(),
                                embedding_ops(),
                                attention_ops(),
                                encoder_layer_ops(),
                                nested_ops(),
                                convolution_ops(),
                                pool_ops(),
                                pad_ops(),
                                reduce_ops(),
                                extreme_ops(),
                                variance_ops(),
                                cumulative_ops(),
                                sort_ops(),
                                search_ops(),
                                unique_ops(),
                                vector_norm_ops(),
                                decompose_ops(),
                                solve_ops(),
                                distance_ops(),
                                loss_ops(),
                                random_ops(),
                                cast_ops(),
                                create_ops(),
                                like_ops(),
                                view_ops(),
                                join_ops(),
                                shape_ops(),
                                index_ops(),
                                index_dim_ops(),
                                gather_ops(),
                                masked_ops(),
                                alias_ops(),
                                complex_part_ops(),
                                fourier_ops(),
                                string_search_ops(),
                                list_ops(),
                                tensor_fact_ops(),
                                string_ops(),
                                dict_ops(),
                                number_ops(),
                                math_ops(),
                                list_order_ops(),
                                quantize_ops(),
                                ctc_ops(),
                                draw_ops(),
                                eigen_ops(),
                                embedding_bag_ops(),
                                grid_ops(),
                                loss_pair_ops(),
                                norm_channel_ops(),
                                packed_sequence_ops(),
                                patch_ops(),
                                pool_volume_ops(),
                                rearrange_ops(),
                                recurrent_ops(),
                                recurrent_cell_ops(),
                                special_ops(),
                                statistics_ops(),
                                triangular_ops(),
                                upsample_ops()}) {
      for (const OpRow& row : table) by_name_[base_name(row.schema)].rows.push_back(&row);
    }
  }

  Overloads* find(std::string_view name) {
    const auto at = by_name_.find(name);
    if (at == by_name_.end()) return nullptr;
    at->second.parse();
    return &at->second;
  }

  std::vector<const Operator*> all() {
    std::vector<const Operator*> out;
    for (auto& [name, overloads] : by_name_) {
      overloads.parse();
      out.insert(out.end(), overloads.pointers.begin(), overloads.pointers.end());
    }
    return out;
  }

 private:
  std::map<std::string_view, Overloads> by_name_;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

std::span<const Operator* const> find_operators(std::string_view name) {
  const Overloads* found = registry().find(name);
  return found == nullptr ? std::span<const Operator* const>{} : found->pointers;
}

const Operator* find_operator(std::string_view full_name) {
  for (const Operator* op : find_operators(full_name.substr(0, full_name.find('.')))) {
    if (op->schema().full_name() == full_name) return op;
  }
  return nullptr;
}

std::vector<const Operator*> all_operators() {
  std::vector<const Operator*> out = registry().all();
  std::ranges::sort(out, {}, [](const Operator* op) { return op->schema().full_name(); });
  return out;
}

}  // namespace calque
