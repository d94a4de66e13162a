#include "tensor.h"

namespace nb = nanobind;

namespace calque::python {
namespace {

struct Forwarded {
  const char* name;
  const char* signature;
};

constexpr Forwarded kBinary[] = {
    {"__add__", "def __add__(self, other: object, /) -> Tensor"},
    {"__radd__", "def __radd__(self, other: object, /) -> Tensor"},
    {"__sub__", "def __sub__(self, other: object, /) -> Tensor"},
    {"__rsub__", "def __rsub__(self, other: object, /) -> Tensor"},
    {"__mul__", "def __mul__(self, other: object, /) -> Tensor"},
    {"__rmul__", "def __rmul__(self, other: object, /) -> Tensor"},
    {"__truediv__", "def __truediv__(self, other: object, /) -> Tensor"},
    {"__rtruediv__", "def __rtruediv__(self, other: object, /) -> Tensor"},
    {"__pow__", "def __pow__(self, other: object, /) -> Tensor"},
    {"__matmul__", "def __matmul__(self, other: object, /) -> Tensor"},
    {"__eq__", "def __eq__(self, other: object, /) -> Tensor"},
    {"__ne__", "def __ne__(self, other: object, /) -> Tensor"},
    {"__lt__", "def __lt__(self, other: object, /) -> Tensor"},
    {"__le__", "def __le__(self, other: object, /) -> Tensor"},
    {"__gt__", "def __gt__(self, other: object, /) -> Tensor"},
    {"__ge__", "def __ge__(self, other: object, /) -> Tensor"},
    {"__and__", "def __and__(self, other: object, /) -> Tensor"},
    {"__or__", "def __or__(self, other: object, /) -> Tensor"},
};

constexpr Forwarded kUnary[] = {
    {"__neg__", "def __neg__(self) -> Tensor"}, {"__invert__", "def __invert__(self) -> Tensor"},
    {"__abs__", "def __abs__(self) -> Tensor"}, {"abs", "def abs(self) -> Tensor"},
    {"exp", "def exp(self) -> Tensor"},         {"log", "def log(self) -> Tensor"},
    {"sqrt", "def sqrt(self) -> Tensor"},       {"tanh", "def tanh(self) -> Tensor"},
    {"sigmoid", "def sigmoid(self) -> Tensor"}, {"__repr__", "def __repr__(self) -> str"},
    {"isnan", "def isnan(self) -> Tensor"},
};

constexpr Forwarded kFree[] = {
    {"sum", "def sum(self, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor"},
    {"mean", "def mean(self, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor"},
    {"max", "def max(self, dim: int | None = None, keepdim: bool = False) -> Any"},
    {"min", "def min(self, dim: int | None = None, keepdim: bool = False) -> Any"},
    {"argmax", "def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor"},
    {"argmin", "def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor"},
    {"argsort", "def argsort(self, dim: int = -1, descending: bool = False) -> Tensor"},
    {"topk", "def topk(self, k: int, dim: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]"},
    {"softmax", "def softmax(self, dim: int) -> Tensor"},
    {"norm", "def norm(self, p: float = 2, dim: int | None = None, keepdim: bool = False) -> Tensor"},
    {"clamp", "def clamp(self, min: float | None = None, max: float | None = None) -> Tensor"},
    {"matmul", "def matmul(self, other: Tensor) -> Tensor"},
    {"mm", "def mm(self, other: Tensor) -> Tensor"},
    {"all", "def all(self, dim: int | None = None, keepdim: bool = False) -> Tensor"},
    {"any", "def any(self, dim: int | None = None, keepdim: bool = False) -> Tensor"},
    {"__format__", "def __format__(self, spec: str, /) -> str"},
};

}  // namespace

void bind_operators(TensorClass& tensor_class) {
  for (const auto& [name, signature] : kBinary) {
    tensor_class.def(
        name, [name](nb::handle self, nb::handle other) { return python_operator(name)(self, other); },
        nb::is_operator(), nb::arg().none(), nb::sig(signature));
  }
  for (const auto& [name, signature] : kUnary) {
    tensor_class.def(
        name, [name](nb::handle self) { return python_operator(name)(self); }, nb::sig(signature));
  }
  for (const auto& [name, signature] : kFree) {
    tensor_class.def(
        name,
        [name](nb::handle self, const nb::args& args, const nb::kwargs& kwargs) {
          return python_operator(name)(self, *args, **kwargs);
        },
        nb::sig(signature));
  }
}

}  // namespace calque::python
