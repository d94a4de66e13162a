"""Operators of numbers, strings, lists and dicts against PyTorch's interpreter."""

import itertools
import random

import pytest

from . import compare, oracle
from .wire import ToolError, Typed

NUMBERS = [0, 1, -1, 2, 7, -7, 10, 63, 2**40, -(2**63), 2**63 - 1]
FLOATS = [0.0, -0.0, 1.0, -1.5, 2.5, 3.5, -7.25, 1e-7, 0.1, 1e20, 123456789.0, 1e15, float("inf"), float("-inf"), float("nan")]
STRINGS = ["", "a", "abc", "aBc dE", "  a b  c ", "a,b,,c", "abcabc", "Ab Cd", "12", "-5", "a1", "x\ty\nz", "they're bill's 3rd"]


def check(tool, full, arguments):
    """Both sides give the same results and leave the same arguments, or both fail."""
    try:
        response = tool.call(full, arguments)
        found = None
    except ToolError as e:
        found = e
    try:
        expected, after = oracle.call_in_graph(full, arguments)
    except Exception as e:  # noqa: BLE001
        if "parsing error" in str(e) or "schema" in str(e):
            raise
        assert found is not None, f"{full}{arguments}: PyTorch: {e}; here: {response.results}"
        return
    assert found is None, f"{full}{arguments}: PyTorch: {expected}; here: {found}"
    assert compare.difference(expected, response.results) is None, f"{full}{arguments}: {expected} {response.results}"
    wanted = [oracle.plain(a) if not isinstance(a, (list, Typed)) else b for a, b in zip(arguments, after)]
    assert compare.difference(wanted, response.arguments) is None, f"{full}{arguments} afterwards: {wanted} {response.arguments}"


def pairs(full: str) -> list:
    kinds = {"int": (NUMBERS, NUMBERS), "float": (FLOATS, FLOATS), "int_float": (NUMBERS, FLOATS), "float_int": (FLOATS, NUMBERS)}
    left, right = kinds[full.split(".")[1]]
    return list(itertools.product(left, right))


ARITHMETIC = [
    f"aten::{op}.{kind}"
    for op in ("add", "sub", "mul", "floordiv", "remainder", "eq", "ne", "lt", "le", "gt", "ge", "fmod", "pow", "atan2", "copysign", "mathremainder")
    for kind in ("int", "float", "int_float", "float_int")
] + ["aten::div.int", "aten::div.float"] + [f"prim::{op}.{kind}" for op in ("min", "max") for kind in ("int", "float", "int_float", "float_int")]  # fmt: skip


@pytest.mark.parametrize("full", ARITHMETIC)
def test_arithmetic(tool, full):
    whole = full.endswith(".int")
    for a, b in pairs(full):
        # PyTorch ends the process on these.
        if whole and ("remainder" in full or "floordiv" in full) and (b == 0 or (b == -1 and a == -(2**63))):
            continue
        # PyTorch's own sum overflows.
        if whole and "remainder" in full and max(abs(a), abs(b)) > 2**62:
            continue
        check(tool, full, [a, b])


@pytest.mark.parametrize("full", ["aten::__and__.int", "aten::__or__.int", "aten::__xor__.int", "aten::gcd.int"])
def test_integers(tool, full):
    for a, b in itertools.product(NUMBERS[:9], NUMBERS[:9]):
        check(tool, full, [a, b])


def test_shifts_and_powers(tool):
    for a, b in itertools.product([0, 1, -8, 12345], [0, 1, 5, 40, 63]):
        check(tool, "aten::__lshift__.int", [a, b])
        check(tool, "aten::__rshift__.int", [a, b])
    for a, b in itertools.product([0, 1, 2, -3, 10], [0, 1, 2, 5]):
        assert tool.call("aten::pow.int_to_int", [a, b]).results == oracle.call("aten::pow.int_to_int", [a, b])


UNARY = "exp log log1p log10 expm1 sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc gamma lgamma fabs degrees radians angle round".split()


@pytest.mark.parametrize("name", UNARY)
def test_functions(tool, name):
    for a in [0, 1, 2, 5, -1]:
        check(tool, f"aten::{name}.int", [a])
    for a in [0.0, 0.5, 1.0, 2.5, 3.5, -0.5, -2.5, 1e-3, float("inf"), float("nan")]:
        check(tool, f"aten::{name}.float", [a])


def test_rounding_and_conversion(tool):
    for a in [*FLOATS, 1e30]:
        for full in ("aten::ceil.float", "aten::floor.float", "aten::Int.float", "aten::Bool.float", "prim::abs.float", "aten::neg.float",
                     "aten::isnan.float", "aten::isinf.float", "aten::isfinite.float", "aten::str"):  # fmt: skip
            check(tool, full, [a])
    for a in NUMBERS:
        for full in ("aten::ceil.int", "aten::floor.int", "aten::Float.int", "aten::Bool.int", "prim::abs.int", "aten::neg.int",
                     "aten::bin", "aten::hex", "aten::oct", "aten::str"):  # fmt: skip
            if not (abs(a) > 2**62 and full in ("aten::bin", "aten::hex", "aten::oct", "aten::neg.int", "prim::abs.int", "aten::ceil.int", "aten::floor.int")):
                check(tool, full, [a])
    for text in ["12", "-7", "+5", " 12", "12 ", "12a", "", "1_0", "99999999999999999999", "0x10"]:
        check(tool, "aten::Int.str", [text])
    for text in ["1.5", "-2e3", "inf", "-inf", "nan", "abc", "1.5x", " 1.5", "", "1e999"]:
        check(tool, "aten::Float.str", [text])
    for arguments in [[0, 10, 3], [10, 0, -3], [0, 10, 0], [5, 5, 1], [0, 0, -1]]:
        check(tool, "aten::__range_length", arguments)
    for n in [0, 1, 5, 20, 25, -1]:
        check(tool, "aten::factorial.int", [n])


STRING_TESTS = ["isspace", "isalpha", "isdigit", "isdecimal", "isnumeric", "isalnum", "isprintable", "islower", "isupper", "istitle",
                "upper", "lower", "swapcase", "capitalize", "title", "list", "len.str", "str"]  # fmt: skip


@pytest.mark.parametrize("name", STRING_TESTS)
def test_string_functions(tool, name):
    for s in STRINGS:
        check(tool, f"aten::{name}", [s])


def test_string_search(tool):
    rng = random.Random(1)
    for full in ("find", "rfind", "index.str", "rindex", "count", "startswith", "endswith"):
        for _ in range(60):
            s = rng.choice(["abcabc", "aaaa", "a,b", "x"])
            needle = rng.choice(["a", "b", "ab", "c", "zz", "bc", "aa"])
            start = rng.randint(0, len(s))
            end = rng.choice([-1, len(s), 3, -2])
            # PyTorch takes an end before the start for the end of the string.
            if end < 0 or end >= start:
                check(tool, f"aten::{full}", [s, needle, min(start, 1), end])


def test_string_splitting(tool):
    for s, separator, limit in itertools.product(STRINGS, [",", " ", "b", "bc", "zz"], [-1, 0, 1, 2]):
        check(tool, "aten::split.str", [s, separator, limit])
        check(tool, "aten::rsplit", [s, separator, limit])
        check(tool, "aten::replace", [s, separator, "::", limit])
    for s in STRINGS:
        check(tool, "aten::split.str", [s, None, -1])
        for keep in (False, True):
            check(tool, "aten::splitlines", [s + "\n", keep])
        for chars in (" ", "a", "ac ", "xyz"):
            for full in ("strip", "lstrip", "rstrip"):
                check(tool, f"aten::{full}", [s, chars])
        for separator in ("a", ",", "zz"):
            check(tool, "aten::partition", [s, separator])
            check(tool, "aten::rpartition", [s, separator])
    check(tool, "aten::join", [", ", ["a", "b", ""]])
    check(tool, "aten::join", ["x", Typed([], "str")])


def test_string_layout(tool):
    for s, width in itertools.product(["abc", "", "-5", "abcd"], [0, 2, 6, 7]):
        check(tool, "aten::zfill", [s, width])
        for full in ("ljust", "rjust", "center"):
            check(tool, f"aten::{full}", [s, width, "*"])
    check(tool, "aten::ljust", ["abc", 6, "**"])
    for tab in (0, 1, 4, 8):
        check(tool, "aten::expandtabs", ["a\tbc\td\te", tab])
    for s, start, end, step in itertools.product(["abcdef", ""], [None, 0, 1, -2, 9], [None, 0, 3, -1, 9], [1, 2, -1, -2]):
        check(tool, "aten::slice.str", [s, start, end, step])
    for i in (0, 2, -1, -3):
        check(tool, "aten::__getitem__.str", ["abc", i])
    check(tool, "aten::add.str", ["ab", "c"])
    for s in ("a", "", "ab"):
        check(tool, "aten::ord", [s])
    check(tool, "aten::chr", [65])


def test_text_of_values(tool):
    for value in [[1, 2], [1.0, 2.5, 0.1], ["a", "b"], [True, False], True, (1, 2.5, "x"), (1,)]:
        check(tool, "aten::str", [value])
    check(tool, "aten::str", [Typed({"a": 1, "b": 2}, "int", "str")])
    for text, values in [("a{}b", [1]), ("{}", [0.1]), ("{} {}", [1, "q"]), ("{}{}", [1]), ("x", [1]), ("{{}}", [1]), ("{}", [[1.5]]), ("{}", [True])]:
        check(tool, "aten::format", [text, *values])
    for text, values in [("a%db", [1]), ("%f", [1.5]), ("%s", [1]), ("%s", [1.5]), ("%i", [5]), ("%d", [5.5]), ("%d %d", [5]), ("%", []), ("%x", [1])]:
        check(tool, "aten::percentFormat", [text, *values])


LISTS = {"int": [[], [3], [1, 2, 3, 2], [-1, 5]], "float": [[0.5], [1.5, -2.0, 1.5]], "bool": [[True], [False, True]], "str": [["a"], ["b", "", "a", "b"]]}


def typed_lists():
    return [(kind, Typed(list(values), kind)) for kind, many in LISTS.items() for values in many]


def test_list_access(tool):
    for kind, values in typed_lists():
        check(tool, "aten::len.t", [values])
        for i in (0, -1, 1, 5, -9):
            check(tool, "aten::__getitem__.t", [values, i])
        for i in (-1, 0, 7):
            check(tool, "aten::pop.t", [values, i])
        for start, end, step in itertools.product([None, 0, 1, -2, 9], [None, 0, 2, -1, 9], [1, 2, -1, 0]):
            check(tool, "aten::slice.t", [values, start, end, step])
        for n in (0, 1, 3):
            check(tool, "aten::mul.left_t", [values, n])
        check(tool, "aten::add.t", [values, values])
        check(tool, "aten::copy.t", [values])
        check(tool, "aten::list.t", [values])
        check(tool, f"aten::sorted.{kind}", [values])


def test_list_changes(tool):
    for kind, values in typed_lists():
        new = {"int": 9, "float": 0.25, "bool": True, "str": "new"}[kind]
        check(tool, "aten::append.t", [values, new])
        for i in (0, -1, 1, 5, -9):
            check(tool, "aten::_set_item.t", [values, i, new])
            check(tool, "aten::insert.t", [values, i, new])
            check(tool, "aten::Delete.t", [values, i])
        check(tool, "aten::reverse.t", [values])
        check(tool, "aten::clear.t", [values])
        check(tool, "aten::extend.t", [values, Typed([new], kind)])
        for reverse in (False, True):
            check(tool, f"aten::sort.{kind}", [values, reverse])
        for item in [*values.value[:1], new]:
            check(tool, f"aten::remove.{kind}", [values, item])
            check(tool, f"aten::count.{kind}", [values, item])
            check(tool, f"aten::index.list_{kind}", [values, item])
    for values, item in [([1, 2], 2), ([], 1)]:
        check(tool, "aten::__contains__.int_list", [Typed(values, "int"), item])
    check(tool, "aten::__contains__.str_list", [["a", "b"], "b"])
    check(tool, "aten::__contains__.float_list", [[0.5], 0.25])


def test_list_reductions(tool):
    for kind, values in typed_lists():
        if kind != "str":
            check(tool, f"aten::sum.{kind}", [values])
            check(tool, f"aten::all.{kind}", [values])
            check(tool, f"prim::min.self_{kind}", [values])
            check(tool, f"prim::max.self_{kind}", [values])
            check(tool, f"prim::min.{kind}_list", [values, Typed(values.value[::-1], kind)])
            check(tool, f"prim::max.{kind}_list", [values, Typed(values.value[::-1], kind)])
        check(tool, f"aten::any.{kind}", [values])
        check(tool, f"aten::eq.{kind}_list", [values, Typed(list(values.value), kind)])
        check(tool, f"aten::ne.{kind}_list", [values, Typed(values.value[1:], kind)])
    check(tool, "prim::rangelist", [4])


DICTS = {"str": {"a": 1, "b": 2}, "int": {1: 10, -5: 20}, "float": {0.5: 1, 2.0: 2}, "bool": {True: 1}}


@pytest.mark.parametrize("key", list(DICTS))
def test_dicts(tool, key):
    there, absent = {"str": ("b", "z"), "int": (-5, 7), "float": (2.0, 9.5), "bool": (True, False)}[key]
    make = lambda: Typed(dict(DICTS[key]), "int", key)
    for k in (there, absent):
        for full, tail in [(f"__getitem__.Dict_{key}", []), (f"__contains__.{key}", []), (f"get.{key}", []), (f"get.default_{key}", [7]),
                           (f"pop.Dict_{key}", []), (f"pop.Dict_default_{key}", [7]), (f"Delete.Dict_{key}", []),
                           (f"setdefault.{key}", [7]), (f"_set_item.{key}", [7])]:  # fmt: skip
            check(tool, f"aten::{full}", [make(), k, *tail])
    for full in (f"len.Dict_{key}", f"keys.{key}", f"values.{key}", f"items.{key}", f"clear.{key}", f"copy.Dict_{key}", f"popitem.{key}", f"dict.Dict_{key}"):
        check(tool, f"aten::{full}", [make()])
    check(tool, f"aten::update.{key}", [make(), Typed({there: 5, absent: 6}, "int", key)])


def test_identity_and_devices(tool):
    for a, b in [(1, 1), (1, 2), (None, None), (1.5, 1.5), (True, True)]:
        check(tool, "aten::__is__", [a, b])
        check(tool, "aten::__isnot__", [a, b])
    for value in (True, False):
        check(tool, "aten::__not__", [value])
    for a, b in itertools.product([True, False], repeat=2):
        for full in ("__and__.bool", "__or__.bool", "__xor__.bool", "eq.bool", "ne.bool"):
            check(tool, f"aten::{full}", [a, b])
