#include "tensor.h"

namespace nb = nanobind;

namespace calque::python {
namespace {

struct Forwarded {
  const char* name;      ///< of the method
  const char* function;  ///< of the module calque._operators
  const char* signature;
};

constexpr Forwarded kBinary[] = {
    {"__add__", "add", "def __add__(self, other: object, /) -> Tensor"},
    {"__radd__", "radd", "def __radd__(self, other: object, /) -> Tensor"},
    {"__sub__", "subtract", "def __sub__(self, other: object, /) -> Tensor"},
    {"__rsub__", "rsubtract", "def __rsub__(self, other: object, /) -> Tensor"},
    {"__mul__", "multiply", "def __mul__(self, other: object, /) -> Tensor"},
    {"__rmul__", "rmultiply", "def __rmul__(self, other: object, /) -> Tensor"},
    {"__truediv__", "divide", "def __truediv__(self, other: object, /) -> Tensor"},
    {"__rtruediv__", "rdivide", "def __rtruediv__(self, other: object, /) -> Tensor"},
    {"__pow__", "power", "def __pow__(self, other: object, /) -> Tensor"},
    {"__matmul__", "matmul", "def __matmul__(self, other: object, /) -> Tensor"},
    {"__eq__", "eq", "def __eq__(self, other: object, /) -> Tensor"},
    {"__ne__", "ne", "def __ne__(self, other: object, /) -> Tensor"},
    {"__lt__", "lt", "def __lt__(self, other: object, /) -> Tensor"},
    {"__le__", "le", "def __le__(self, other: object, /) -> Tensor"},
    {"__gt__", "gt", "def __gt__(self, other: object, /) -> Tensor"},
    {"__ge__", "ge", "def __ge__(self, other: object, /) -> Tensor"},
    {"__and__", "bitwise_and", "def __and__(self, other: object, /) -> Tensor"},
    {"__or__", "bitwise_or", "def __or__(self, other: object, /) -> Tensor"},
    {"__xor__", "bitwise_xor", "def __xor__(self, other: object, /) -> Tensor"},
    {"__floordiv__", "floor_divide", "def __floordiv__(self, other: object, /) -> Tensor"},
    {"__mod__", "remainder", "def __mod__(self, other: object, /) -> Tensor"},
    {"__rpow__", "rpower", "def __rpow__(self, other: object, /) -> Tensor"},
    {"__iadd__", "add_", "def __iadd__(self, other: object, /) -> Tensor"},
    {"__isub__", "subtract_", "def __isub__(self, other: object, /) -> Tensor"},
    {"__imul__", "multiply_", "def __imul__(self, other: object, /) -> Tensor"},
    {"__itruediv__", "divide_", "def __itruediv__(self, other: object, /) -> Tensor"},
};

constexpr Forwarded kUnary[] = {
    {"__neg__", "negative", "def __neg__(self) -> Tensor"},
    {"__invert__", "invert", "def __invert__(self) -> Tensor"},
    {"__abs__", "abs", "def __abs__(self) -> Tensor"},
    {"abs", "abs", "def abs(self) -> Tensor"},
    {"exp", "exp", "def exp(self) -> Tensor"},
    {"log", "log", "def log(self) -> Tensor"},
    {"sqrt", "sqrt", "def sqrt(self) -> Tensor"},
    {"tanh", "tanh", "def tanh(self) -> Tensor"},
    {"sigmoid", "sigmoid", "def sigmoid(self) -> Tensor"},
    {"__repr__", "text_of", "def __repr__(self) -> str"},
    {"isnan", "isnan", "def isnan(self) -> Tensor"},
    {"isinf", "isinf", "def isinf(self) -> Tensor"},
    {"isfinite", "isfinite", "def isfinite(self) -> Tensor"},
    {"round", "round", "def round(self) -> Tensor"},
    {"floor", "floor", "def floor(self) -> Tensor"},
    {"ceil", "ceil", "def ceil(self) -> Tensor"},
    {"relu", "relu", "def relu(self) -> Tensor"},
    {"nonzero", "nonzero", "def nonzero(self) -> Tensor"},
};

constexpr Forwarded kFree[] = {
    {"sum", "sum", "def sum(self, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor"},
    {"mean", "mean",
     "def mean(self, dim: int | Sequence[int] | None = None, keepdim: bool = False) -> Tensor"},
    {"max", "max", "def max(self, dim: int | None = None, keepdim: bool = False) -> Any"},
    {"min", "min", "def min(self, dim: int | None = None, keepdim: bool = False) -> Any"},
    {"argmax", "argmax", "def argmax(self, dim: int | None = None, keepdim: bool = False) -> Tensor"},
    {"argmin", "argmin", "def argmin(self, dim: int | None = None, keepdim: bool = False) -> Tensor"},
    {"argsort", "argsort", "def argsort(self, dim: int = -1, descending: bool = False) -> Tensor"},
    {"topk", "topk", "def topk(self, k: int, dim: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]"},
    {"softmax", "softmax", "def softmax(self, dim: int) -> Tensor"},
    {"norm", "norm", "def norm(self, p: float = 2, dim: int | None = None, keepdim: bool = False) -> Tensor"},
    {"clamp", "clamp", "def clamp(self, min: float | None = None, max: float | None = None) -> Tensor"},
    {"add", "add", "def add(self, other: object) -> Tensor"},
    {"sub", "subtract", "def sub(self, other: object) -> Tensor"},
    {"mul", "multiply", "def mul(self, other: object) -> Tensor"},
    {"div", "divide", "def div(self, other: object) -> Tensor"},
    {"pow", "power", "def pow(self, exponent: object) -> Tensor"},
    {"eq", "eq", "def eq(self, other: object) -> Tensor"},
    {"ne", "ne", "def ne(self, other: object) -> Tensor"},
    {"lt", "lt", "def lt(self, other: object) -> Tensor"},
    {"le", "le", "def le(self, other: object) -> Tensor"},
    {"gt", "gt", "def gt(self, other: object) -> Tensor"},
    {"ge", "ge", "def ge(self, other: object) -> Tensor"},
    {"std", "std", "def std(self, dim: int | None = None, keepdim: bool = False) -> Tensor"},
    {"var", "var", "def var(self, dim: int | None = None, keepdim: bool = False) -> Tensor"},
    {"cumsum", "cumsum", "def cumsum(self, dim: int) -> Tensor"},
    {"log_softmax", "log_softmax", "def log_softmax(self, dim: int) -> Tensor"},
    {"masked_fill", "masked_fill", "def masked_fill(self, mask: Tensor, value: float) -> Tensor"},
    {"gather", "gather", "def gather(self, dim: int, index: Tensor) -> Tensor"},
    {"index_select", "index_select", "def index_select(self, dim: int, index: Tensor) -> Tensor"},
    {"repeat", "repeat", "def repeat(self, *sizes: int | Sequence[int]) -> Tensor"},
    {"split", "split",
     "def split(self, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]"},
    {"chunk", "chunk", "def chunk(self, chunks: int, dim: int = 0) -> tuple[Tensor, ...]"},
    {"unbind", "unbind_all", "def unbind(self, dim: int = 0) -> tuple[Tensor, ...]"},
    {"sort", "sort", "def sort(self, dim: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]"},
    {"type_as", "type_as", "def type_as(self, other: Tensor) -> Tensor"},
    {"allclose", "allclose",
     "def allclose(self, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, "
     "equal_nan: bool = False) -> bool"},
    {"equal", "equal", "def equal(self, other: Tensor) -> bool"},
    {"matmul", "matmul", "def matmul(self, other: Tensor) -> Tensor"},
    {"mm", "mm", "def mm(self, other: Tensor) -> Tensor"},
    {"all", "all", "def all(self, dim: int | None = None, keepdim: bool = False) -> Tensor"},
    {"any", "any", "def any(self, dim: int | None = None, keepdim: bool = False) -> Tensor"},
    {"__format__", "format_tensor", "def __format__(self, spec: str, /) -> str"},
};

}  // namespace

void bind_operators(TensorClass& tensor_class) {
  for (const auto& [name, function, signature] : kBinary) {
    tensor_class.def(
        name,
        [function](nb::handle self, nb::handle other) { return python_operator(function)(self, other); },
        nb::is_operator(), nb::arg().none(), nb::sig(signature));
  }
  for (const auto& [name, function, signature] : kUnary) {
    tensor_class.def(
        name, [function](nb::handle self) { return python_operator(function)(self); }, nb::sig(signature));
  }
  for (const auto& [name, function, signature] : kFree) {
    tensor_class.def(
        name,
        [function](nb::handle self, const nb::args& args, const nb::kwargs& kwargs) {
          return python_operator(function)(self, *args, **kwargs);
        },
        nb::sig(signature));
  }
}

}  // namespace calque::python
