// `torch.nn.functional` with the names, arguments and defaults of PyTorch's documentation, over operators.
#include "torchscript/script_library_text.h"

#include <array>

namespace calque::torchscript {

namespace {

constexpr std::string_view kActivations = R"(
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    return torch.relu_(input) if inplace else torch.relu(input)

def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    return torch.clamp(input, 0, 6)

def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    return torch.gelu(input, approximate=approximate)

def silu(input: Tensor, inplace: bool = False) -> Tensor:
    return torch.silu(input)

def mish(input: Tensor, inplace: bool = False) -> Tensor:
    return input * torch.tanh(torch.softplus(input))

def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return torch.elu(input, alpha)

def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    return torch.leaky_relu(input, negative_slope)

def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    return torch.clamp(input, min_val, max_val)

def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    return torch.softplus(input, beta, threshold)

def softsign(input: Tensor) -> Tensor:
    return input / (input.abs() + 1)

def logsigmoid(input: Tensor) -> Tensor:
    return torch.log_sigmoid(input)

def glu(input: Tensor, dim: int = -1) -> Tensor:
    first, second = torch.chunk(input, 2, dim)
    return first * torch.sigmoid(second)

def sigmoid(input: Tensor) -> Tensor:
    return torch.sigmoid(input)

def tanh(input: Tensor) -> Tensor:
    return torch.tanh(input)

def _implicit_dim(ndim: int) -> int:
    return 0 if ndim == 0 or ndim == 1 or ndim == 3 else 1

def softmax(input: Tensor, dim: Optional[int] = None, _stacklevel: int = 3, dtype: Optional[int] = None) -> Tensor:
    return torch.softmax(input, _implicit_dim(input.dim()) if dim is None else dim, dtype)

def softmin(input: Tensor, dim: Optional[int] = None, _stacklevel: int = 3, dtype: Optional[int] = None) -> Tensor:
    return torch.softmax(-input, _implicit_dim(input.dim()) if dim is None else dim, dtype)

def log_softmax(input: Tensor, dim: Optional[int] = None, _stacklevel: int = 3, dtype: Optional[int] = None) -> Tensor:
    return torch.log_softmax(input, _implicit_dim(input.dim()) if dim is None else dim, dtype)

def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    return torch.dropout(input, p, training)

def linear(input: Tensor, weight: Tensor, bias: Optional[Tensor] = None) -> Tensor:
    return torch.linear(input, weight, bias)

def layer_norm(input: Tensor, normalized_shape: List[int], weight: Optional[Tensor] = None,
               bias: Optional[Tensor] = None, eps: float = 1e-05) -> Tensor:
    return torch.layer_norm(input, normalized_shape, weight, bias, eps)

def embedding(input: Tensor, weight: Tensor, padding_idx: Optional[int] = None, max_norm: Optional[float] = None,
              norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:
    if max_norm is not None:
        raise NotImplementedError("embedding with max_norm writes to its weight; that is not supported")
    at = -1 if padding_idx is None else padding_idx
    if padding_idx is not None and padding_idx < 0:
        at = padding_idx + weight.size(0)
    return torch.embedding(weight, input, at)

def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    return torch.one_hot(tensor, num_classes)

def pad(input: Tensor, pad: List[int], mode: str = "constant", value: Optional[float] = None) -> Tensor:
    return torch.pad(input, pad, mode, value)

def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    length = torch.clamp_min(torch.norm(input, p, dim, keepdim=True), eps)
    return input / length.expand_as(input)
)";

constexpr std::string_view kProducts = R"(
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    return torch.cosine_similarity(x1, x2, dim, eps)

def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Optional[Tensor] = None,
                                 dropout_p: float = 0.0, is_causal: bool = False,
                                 scale: Optional[float] = None) -> Tensor:
    return torch.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, scale=scale)

def conv1d(input: Tensor, weight: Tensor, bias: Optional[Tensor] = None, stride: List[int] = [1],
           padding: List[int] = [0], dilation: List[int] = [1], groups: int = 1) -> Tensor:
    return torch.conv1d(input, weight, bias, stride, padding, dilation, groups)

def _reduced(loss: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction != "none":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return loss

def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return _reduced((input - target) ** 2, reduction)

def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return _reduced((input - target).abs(), reduction)
)";

constexpr std::string_view kGradMode = R"(
class no_grad:
    def __init__(self) -> None:
        self.prev = False

    def __enter__(self) -> None:
        self.prev = torch.is_grad_enabled()
        torch.set_grad_enabled(False)

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        torch.set_grad_enabled(self.prev)
)";

constexpr std::array kTexts = {
    LibraryText{"torch.nn.functional", kActivations},
    LibraryText{"torch.nn.functional", kProducts},
    LibraryText{"torch.autograd.grad_mode", kGradMode},
};

}  // namespace

std::span<const LibraryText> library_texts() { return kTexts; }

}  // namespace calque::torchscript
