// The operator tables, one for each family. registry.cc lists them.
#pragma once

#include <span>

#include "ops/operator.h"

namespace calque::ops {

using OpTable = std::span<const OpRow>;

OpTable activation_ops();
OpTable arithmetic_ops();
OpTable attention_ops();
OpTable cast_ops();
OpTable compare_ops();
OpTable convolution_ops();
OpTable create_ops();
OpTable cumulative_ops();
OpTable einsum_ops();
OpTable embedding_ops();
OpTable encoder_layer_ops();
OpTable extreme_ops();
OpTable gather_ops();
OpTable index_dim_ops();
OpTable index_ops();
OpTable join_ops();
OpTable like_ops();
OpTable loss_ops();
OpTable masked_ops();
OpTable matmul_ops();
OpTable nested_ops();
OpTable norm_ops();
OpTable pad_ops();
OpTable pointwise_ops();
OpTable pool_ops();
OpTable quantize_ops();
OpTable random_ops();
OpTable reduce_ops();
OpTable search_ops();
OpTable shape_ops();
OpTable softmax_ops();
OpTable solve_ops();
OpTable sort_ops();
OpTable unary_ops();
OpTable unique_ops();
OpTable variance_ops();
OpTable vector_norm_ops();
OpTable view_ops();

OpTable alias_ops();
OpTable complex_part_ops();
OpTable ctc_ops();
OpTable draw_ops();
OpTable eigen_ops();
OpTable embedding_bag_ops();
OpTable fourier_ops();
OpTable grid_ops();
OpTable loss_pair_ops();
OpTable norm_channel_ops();
OpTable packed_sequence_ops();
OpTable patch_ops();
OpTable pool_volume_ops();
OpTable rearrange_ops();
OpTable recurrent_ops();
OpTable recurrent_cell_ops();
OpTable special_ops();
OpTable statistics_ops();
OpTable triangular_ops();
OpTable upsample_ops();

OpTable decompose_ops();
OpTable dict_ops();
OpTable distance_ops();
OpTable list_ops();
OpTable list_order_ops();
OpTable math_ops();
OpTable number_ops();
OpTable string_ops();
OpTable string_search_ops();
OpTable tensor_fact_ops();

}  // namespace calque::ops
