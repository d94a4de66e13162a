"""Programs inside good archives: the lines Code 1 to 5."""

import json
import os
import pathlib
import time
import warnings

import pytest
import torch

import hostile_archives as archives
from hostile_archives import code_of, instance, name_of, records, write


@pytest.fixture
def program(tmp_path):
    """program(body, signature): path of an archive with this forward; further classes and functions in `after`."""

    def make(body, signature="self: __torch__.M, x: Tensor", after="", **changes):
        return write(tmp_path / "m.pt", records(code=code_of(body, signature) + after, **changes))

    return make


@pytest.fixture
def run_refused(hostile, program, tmp_path):
    """run_refused(body, words..., options): loads, and fails when it runs; x is a float32 tensor of 2x3, i the ids."""

    def check(body, *words, options=(), limits=(), signature="self: __torch__.M, x: Tensor, i: Tensor", **changes):
        path = program(body, signature, **changes)
        (tmp_path / "in.json").write_text(json.dumps({"x": {"dtype": "float32", "data": [[1, 2, 3], [4, 5, 6]]}, "i": [0, 1]}))
        assert hostile("inspect", path).code == 0
        return hostile.refuses(("run", path, "--input", tmp_path / "in.json", *options), *words, **dict(limits))

    return check


SETSTATE = "has a __setstate__ method: code that would have to run while the file is loaded"


def test_code_1_setstate_below_a_long_path(hostile, tmp_path):
    """A scanner that looks at short names only, or at the root only, misses it."""
    depth, word = 60, "a_rather_long_name_of_a_module_" * 2
    code = f"class M(Module):\n  {word}0 : __torch__.{word}.C0\n"
    inner = "".join(f"class C{i}(Module):\n  {word}{i + 1} : __torch__.{word}.C{i + 1}\n" for i in range(depth))
    evil = f"class C{depth}(Module):\n  def __setstate__(self: __torch__.{word}.C{depth}, state: int) -> NoneType:\n    while True:\n      pass\n    return None\n"
    value = name_of(f"__torch__.{word}", f"C{depth}") + b")\x81K\x01b"
    for i in reversed(range(depth)):
        value = name_of(f"__torch__.{word}", f"C{i}") + b")\x81}" + archives.text(f"{word}{i + 1}") + value + b"sb"
    more = {f"m/code/__torch__/{word}.py": (inner + evil).encode()}
    path = write(tmp_path / "m.pt", records(code=code, data=instance("M", {f"{word}0": value}), more=more))
    done = hostile("inspect", path)
    assert done.code == 1 and SETSTATE in done.error and f"{word}{depth}" in done.error


@pytest.mark.parametrize("place", ["list", "dict", "tuple", "constant", "root"])
def test_code_1_setstate_in_containers(hostile, tmp_path, place):
    evil = "class Evil(Module):\n  def __setstate__(self: __torch__.Evil, state: int) -> NoneType:\n    return None\n"
    value = name_of("__torch__", "Evil") + b")\x81K\x01b"
    types = {"list": "List[__torch__.Evil]", "dict": "Dict[str, __torch__.Evil]", "tuple": "Tuple[__torch__.Evil]"}
    pickled = {"list": b"](" + value + b"e", "dict": b"}" + archives.text("k") + value + b"s", "tuple": value + b"\x85"}
    changes = {"code": f"class M(Module):\n  a : {types.get(place, 'int')}\n" + evil, "data": instance("M", {"a": pickled.get(place, b"K\x01")})}
    if place == "constant":
        changes["constants"] = value + b"\x85"
    if place == "root":
        changes["data"] = value
    hostile.refuses_file(write(tmp_path / "m.pt", records(**changes)), SETSTATE)


def test_code_1_setstate_of_a_class_without_objects(hostile, tmp_path):
    """It is not called either, by loading or by anything else."""
    evil = "class Evil(Module):\n  def __setstate__(self: __torch__.Evil, state: int) -> NoneType:\n    while True:\n      pass\n    return None\n"
    assert hostile("inspect", write(tmp_path / "m.pt", records(code=code_of("return x") + evil))).code == 0


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ('torch.from_file("/etc/passwd", False, 16)', "aten::from_file"),
        ('torch.save(x, "/tmp/x")', "aten::save"),
        ('torch.load("/tmp/x")', "aten::load"),
        ("ops.inductor._reinterpret_tensor(x, [4], [1], 0)", "inductor::_reinterpret_tensor"),
        ("ops.inductor.resize_storage_bytes_(x, 1)", "inductor::resize_storage_bytes_"),
        ("ops.aten.set_(x, x)", "aten::set_"),
        ("torch.set_(x, x)", "aten::set_"),
        ("torch.data_ptr(x)", "aten::data_ptr"),
        ("torch.storage(x)", "aten::storage"),
        ("torch.untyped_storage(x)", "aten::untyped_storage"),
        ("torch.resize_as_sparse_(x, x)", "aten::resize_as_sparse_"),
        ("ops.c10d.send([x], x, 0, 0)", "c10d::send"),
        ("ops.rpc.rpc_sync(x)", "rpc::rpc_sync"),
        ("ops.mkldnn._linear_pointwise(x)", "mkldnn::_linear_pointwise"),
        ("ops.nobody.knows(x)", "nobody::knows"),
        ('torch.system("true")', "aten::system"),
    ],
)
def test_code_2_operators_that_reach_memory_or_files(hostile, program, call, name):
    """Named at load, all of them at once."""
    path = program(f"a = {call}\nb = torch.no_such_thing(x)\nreturn x")
    done = hostile("run", path)
    assert done.code == 1 and name in done.error and "aten::no_such_thing" in done.error, done.error
    report = json.loads(hostile("check", path, "--json").out)
    missing = [operator["name"] for operator in report["operators"] if operator["support"] == "missing"]
    assert name in missing and "aten::no_such_thing" in missing


def test_code_2_no_operator_of_the_table_reaches_files(calque):
    """The allowlist is the page of operators; none of these is on it."""
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs/operators.md").read_text()
    for name in ("from_file", "aten::save", "aten::load", "_reinterpret_tensor", "data_ptr", "aten::set_", "aten::resize_", "as_strided_scatter"):
        assert f"`aten::{name.removeprefix('aten::')}" not in page.replace("aten::set_grad_enabled", ""), name


@pytest.mark.parametrize(
    "body",
    [
        "return torch.as_strided(x, [7], [1])",
        "return torch.as_strided(x, [6], [1], 1)",
        "return torch.as_strided(x, [2, 3], [3, 2])",
        "return torch.as_strided(x, [1], [1], 6)",
        "return torch.as_strided(x, [1], [1], -1)",
        "return torch.as_strided(x, [2], [-1], 3)",
        "return torch.as_strided(x, [1 << 40], [1])",
        "return torch.as_strided(x, [2], [9223372036854775807])",
        "return torch.as_strided(x, [3, 3], [4611686018427387904, 4611686018427387904])",
        "return torch.as_strided(x, [1], [1], 9223372036854775807)",
        "return torch.as_strided(x, [4294967296, 4294967297], [0, 0])",
        "return torch.as_strided(x, [2], [1, 1])",
        "return torch.as_strided(x, [-1], [1])",
        "return torch.as_strided(torch.slice(x, 0, 1, 2), [6], [1], 3)",
        "return torch.as_strided_(x, [7], [1])",
    ],
)
def test_code_2_as_strided_stays_in_its_storage(run_refused, hostile, program, tmp_path, body):
    if "as_strided_(" in body:
        done = hostile("check", program(body))
        assert done.code == 1 and "aten::as_strided_" in done.out
        return
    run_refused(body)


def test_code_2_rop_chain(hostile, program, tmp_path):
    """The shape of the known exploit: leak an address by a view beyond the storage, overwrite a pointer, write a file."""
    body = """
leak = torch.as_strided(x, [1024], [1], -512)
base = int(torch.item(torch.select(leak, 0, 17)))
chain = torch.tensor([base, base, base])
_0 = torch.copy_(torch.as_strided(x, [3], [1], 4096), chain)
return leak
"""
    path = program(body)
    (tmp_path / "in.json").write_text('{"x": {"dtype": "float32", "data": [1, 2, 3, 4]}}')
    hostile.refuses(("run", path, "--input", tmp_path / "in.json"), "out of bounds for storage of size 16")
    write_first = "_0 = torch.copy_(torch.as_strided(x, [3], [1], 4096), torch.ones([3]))\nreturn x"
    hostile.refuses(("run", program(write_first), "--input", tmp_path / "in.json"), "out of bounds")
    whole = body.replace("return leak", 'torch.save(leak, "/tmp/out")\n_1 = ops.inductor._reinterpret_tensor(x, [9], [1], 9)\nreturn leak')
    done = hostile("run", program(whole))
    assert done.code == 1 and "aten::save" in done.error and "inductor::_reinterpret_tensor" in done.error


@pytest.mark.parametrize(
    "body",
    [
        "return torch.view(x, [3037000500, 3037000500])",
        "return torch.reshape(x, [-1, 4294967296, 4294967296])",
        "return torch.expand(x, [-2, 3])",
        "return torch.expand(x, [9223372036854775807, 9223372036854775807, 2, 3])",
        "return torch.unfold(x, 1, 4, 1)",
        "return torch.unfold(x, 1, -1, 1)",
        "return torch.unfold(x, 1, 1, 0)",
        "return torch.narrow(x, 0, 1, 9223372036854775807)",
        "return torch.split(x, [1, 9223372036854775807], 0)[0]",
        "return torch.squeeze(x, 9223372036854775807)",
        "return torch.diagonal(x, 0, 5, 1)",
        "return torch.permute(x, [0, 0])",
        "return torch.transpose(x, -3, 0)",
        "return torch.view(torch.slice(x, 1, 0, 2), [4, 1, 2])",
        "return torch.view(x, [7])",
        "return torch.add_(torch.expand(torch.slice(x, 1, 0, 1), [2, 3]), 1)",
    ],
)
def test_code_2_views_that_would_leave_the_storage(run_refused, body):
    run_refused(body)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("  return x\0\n", "NUL"),
        ('  return "a\0b"\n', "NUL"),
        ("  return " + "(" * 100_000 + "x" + ")" * 100_000 + "\n", "levels deep"),
        ("  return " + "[" * 100_000 + "\n", "levels deep"),
        ("  return " + "-" * 100_000 + "1\n", "levels deep"),
        ("  return " + "not " * 100_000 + "x\n", "levels deep"),
        ("  return x" + ".a" * 100_000 + "\n", "levels deep"),
        ("  return x" + "[0]" * 100_000 + "\n", "levels deep"),
        ("  return x" + "()" * 100_000 + "\n", "levels deep"),
        ("  return " + "1 + " * 100_000 + "1\n", "levels deep"),
        ("  return " + "9" * 100_000 + "\n", "64 bits"),
        ("  return 0x" + "f" * 100_000 + "\n", "64 bits"),
        ("  return 1e" + "9" * 100_000 + "\n", ""),
        ('  return "' + "a" * 1_000_000 + "\n", "a string that does not end"),
        ("  return " + "a" * 1_000_000 + "\n", ""),
        ("  return \xff\xfe\n", ""),
        ("".join("  " * i + "if True:\n" for i in range(1, 3000)), "levels deep"),
        ("".join("  " * i + "while True:\n" for i in range(1, 3000)), "levels deep"),
        ("".join(f"  if bool(x):\n    return x\n" for _ in range(20_000)) + "  return x\n", "levels deep"),
        ("  return \\N{", ""),
        ("\r\r\r", ""),
    ],
)
def test_code_3_bad_text(hostile, tmp_path, text, word):
    body = "".join(f"  {line}\n" for line in text.split("\n")[:-1]) if text.endswith("\n") else text
    source = archives.CLASS + "  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n" + body
    path = write(tmp_path / "m.pt", records(code=source.encode("latin-1")))
    hostile.refuses_file(path, "code/__torch__.py:" if word else "code/__torch__.py", word)


ENDLESS = "while True:\n  x = torch.add(x, 1)\nreturn x"


@pytest.mark.parametrize("options", [("--max-seconds", "0.2"), ("--max-iterations", "10000")])
def test_code_3_while_true(hostile, program, tmp_path, options):
    (tmp_path / "in.json").write_text('{"x": [1]}')
    path = program(ENDLESS)
    done = hostile.refuses(("run", path, "--input", tmp_path / "in.json", *options), "RunOptions::" + options[0][2:].replace("-", "_"))
    assert done.seconds < 5
    growing = program("while True:\n  x = torch.cat([x, x])\nreturn x")
    done = hostile.refuses(("run", growing, "--input", tmp_path / "in.json", "--max-memory", "1MB"), "RunOptions::max_memory")
    assert done.seconds < 5


@pytest.mark.parametrize("body", ["while True:\n  pass\nreturn x", "for i in range(9223372036854775807):\n  pass\nreturn x", "l = [1]\nfor i in l:\n  _0 = torch.append(l, i)\nreturn x"])
def test_code_3_empty_loops(hostile, program, tmp_path, body):
    (tmp_path / "in.json").write_text('{"x": [1]}')
    path = program(body)
    assert hostile("inspect", path).seconds < 2
    done = hostile("run", path, "--input", tmp_path / "in.json", "--max-seconds", "0.2", "--max-iterations", "1000000000000")
    assert done.seconds < 5
    assert done.code == 0 or "RunOptions::max_seconds" in done.error


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ("return (self).forward(x, )", ""),
        ("return __torch__.f(x)", "def f(x: Tensor) -> Tensor:\n  return __torch__.g(x)\ndef g(x: Tensor) -> Tensor:\n  return __torch__.f(x)\n"),
        ("return __torch__.f(x)", "def f(x):\n  return __torch__.f(x)\n"),
        ("return (self).other(x, )", "  def other(self: __torch__.M, x: Tensor) -> Tensor:\n    return (self).forward(x, )\n"),
    ],
)
def test_code_3_recursion_of_methods(hostile, tmp_path, body, after):
    code = code_of(body).replace("x: Tensor)", "x: Tensor) -> Tensor", 1) + after
    hostile.refuses_file(write(tmp_path / "m.pt", records(code=code)), "called recursively")


@pytest.mark.parametrize(
    ("classes", "word"),
    [
        ("class T(NamedTuple):\n  a : __torch__.T\n", ""),
        ("class T(NamedTuple):\n  a : __torch__.U\nclass U(NamedTuple):\n  a : __torch__.T\n", ""),
        ("class T(NamedTuple):\n  a : Optional[__torch__.T]\n", ""),
        ("class T(Enum):\n  a : __torch__.T\n", ""),
        ("class T(__torch__.T):\n  a : int\n", ""),
    ],
)
def test_code_3_type_cycles(hostile, tmp_path, classes, word):
    code = "class M(Module):\n  t : __torch__.T\n" + classes
    hostile.refuses_file(write(tmp_path / "m.pt", records(code=code, data=instance("M", {"t": b"N"}))), word)


def test_code_3_classes_that_hold_each_other(hostile, tmp_path):
    """Legal, and no object can be that deep without a cycle, which the pickle may not have."""
    code = "class M(Module):\n  a : Optional[__torch__.A]\nclass A:\n  b : Optional[__torch__.B]\nclass B:\n  a : Optional[__torch__.A]\n"
    assert hostile("inspect", write(tmp_path / "m.pt", records(code=code, data=instance("M", {"a": b"N"})))).code == 0


CHAIN = 20_000


@pytest.mark.parametrize("order", ["callers first", "callees first"])
@pytest.mark.parametrize("kind", ["functions", "methods"])
def test_code_3_long_chain_of_calls(hostile, program, tmp_path, order, kind):
    numbers = range(1, CHAIN + 1)
    if order == "callers first":
        numbers = reversed(numbers)
    if kind == "functions":
        lines = [f"def f{i}(x: Tensor) -> Tensor:\n  return __torch__.f{i - 1}(x)\n" for i in numbers]
        after, body = "".join(lines) + "def f0(x: Tensor) -> Tensor:\n  return torch.neg(x)\n", f"return __torch__.f{CHAIN}(x)"
    else:
        count = 2_000
        numbers = range(1, count + 1) if order == "callees first" else range(count, 0, -1)
        method = "  def f{}(self: __torch__.M, x: Tensor) -> Tensor:\n    return {}\n"
        after = "".join(method.format(i, f"(self).f{i - 1}(x, )") for i in numbers) + method.format(0, "torch.neg(x)")
        body = f"return (self).f{count}(x, )"
    path = program(body, after=after)
    (tmp_path / "in.json").write_text('{"x": [1]}')
    for command in (("inspect", path), ("check", path), ("run", path, "--input", tmp_path / "in.json")):
        done = hostile(*command, megabytes=400)
        assert done.code == 0 or "levels deep" in done.error + done.out or "nested deeper" in done.error, done.error[:1000]


def test_code_3_nested_blocks_times_calls(hostile, program, tmp_path):
    """Every function calls the next inside 180 blocks: a graph of 70 000 levels, were it written out."""
    depth, count = 180, 390
    after = "def f0(x: Tensor, b: bool) -> Tensor:\n  return x\n"
    for i in range(1, count):
        after += f"def f{i}(x: Tensor, b: bool) -> Tensor:\n" + "".join(f"{'  ' * (k + 1)}if b:\n" for k in range(depth))
        after += f"{'  ' * (depth + 1)}x = __torch__.f{i - 1}(x, b)\n"
        after += "".join(f"{'  ' * (k + 1)}else:\n{'  ' * (k + 2)}pass\n" for k in reversed(range(depth))) + "  return x\n"
    path = program(f"return __torch__.f{count - 1}(x, True)", after=after)
    (tmp_path / "in.json").write_text('{"x": [1]}')
    for command in (("inspect", path), ("check", path), ("run", path, "--input", tmp_path / "in.json")):
        done = hostile(*command, megabytes=800)
        assert done.code == 0 or (command[0] == "run" and "RunOptions::max_recursion" in done.error), done.error[:1000]


def doubling(levels: int, kind: str) -> tuple[str, str]:
    """(body, more source) of a program in which each of `levels` functions or methods calls the next one twice."""
    if kind == "functions":
        after = "".join(f"def f{i}(x: Tensor) -> Tensor:\n  return __torch__.f{i + 1}(__torch__.f{i + 1}(x))\n" for i in range(levels))
        return "return __torch__.f0(x)", after + f"def f{levels}(x: Tensor) -> Tensor:\n  return torch.add(x, 1)\n"
    method = "  def f{}(self: __torch__.M, x: Tensor) -> Tensor:\n    y = {}\n    return {}\n"
    after = "".join(method.format(i, f"(self).f{i + 1}(x, )", f"(self).f{i + 1}(y, )") for i in range(levels))
    return "return (self).f0(x, )", after + method.format(levels, "torch.add(x, 1)", "y")


@pytest.mark.parametrize("kind", ["functions", "methods"])
def test_code_3_calls_that_double(hostile, program, tmp_path, kind):
    """2^40 calls: nothing of it is written out, and a run is a long run that limits end."""
    body, after = doubling(40, kind)
    path = program(body, after=after)
    (tmp_path / "in.json").write_text('{"x": [1]}')
    slow = 10 if "ASAN_OPTIONS" in os.environ else 1
    for command in (("inspect", path), ("check", path), ("inspect", path, "--graph", "--inlined")):
        done = hostile(*command)
        assert done.code == 0, done.error
        assert done.seconds < 5 * slow, f"{command[0]} took {done.seconds:.2f} s"
    done = hostile.refuses(("run", path, "--input", tmp_path / "in.json", "--max-seconds", "1"), "RunOptions::max_seconds", megabytes=600)
    assert done.seconds < 5 * slow


@pytest.mark.parametrize("levels", [3, 14, 20])
def test_code_3_calls_that_are_left_compute_the_same(hostile, program, tmp_path, levels):
    """2^20 additions run, whether their calls were expanded or made."""
    for kind in ("functions", "methods"):
        body, after = doubling(levels, kind)
        path, out = program(body, after=after), tmp_path / "out.json"
        (tmp_path / "in.json").write_text('{"x": [5]}')
        done = hostile("run", path, "--input", tmp_path / "in.json", "--output", out, megabytes=1200)
        assert done.code == 0, done.error
        (value,) = json.loads(out.read_text()).values()
        assert value["data"] == [5 + 2**levels]


def test_code_3_types_that_double(hostile, program):
    """Sixty tuples, each of two of the one before: their type has 2^60 parts when it is written out or compared."""
    left = "".join(f"a{i + 1} = (a{i}, a{i})\n" for i in range(60))
    right = left.replace("a", "b")
    body = f"a0 = x\nb0 = x\n{left}{right}if bool(x):\n  c = a60\nelse:\n  c = b60\nreturn x"
    done = hostile("inspect", program(body))
    assert done.code == 1 and "type" in done.first_line, done.error
    named = "".join(f"class T{i + 1}(NamedTuple):\n  l : __torch__.T{i}\n  r : __torch__.T{i}\n" for i in range(60))
    done = hostile("inspect", program("t = annotate(Optional[__torch__.T60], None)\nreturn x", after="class T0(NamedTuple):\n  l : int\n" + named))
    assert done.code == 1 and "type" in done.first_line, done.error


def test_code_3_literals_that_double(hostile, program, tmp_path):
    """Sixty lists, each of the one before twice: made at once, and as large as 2^60 values to whoever reads them."""
    (tmp_path / "in.json").write_text('{"x": [1]}')
    for first, end in (("[1]", "len(a60)"), ("[x]", "len(a60)"), ("(1, )", "1"), ('"a"', "len(a60)"), ("annotate(List[int], [])", "len(a60)")):
        body = f"a0 = {first}\n" + "".join(f"a{i + 1} = [a{i}, a{i}]\n" for i in range(60)) + f"return torch.{end}"
        path = program(body.replace("torch.1", "1"))
        for command in (("inspect", path), ("check", path), ("run", path, "--input", tmp_path / "in.json")):
            done = hostile(*command)
            assert done.code == 0 and done.seconds < 5, done.error


def doubled(name: str) -> str:
    lines = [f"{name}{i + 1} = annotate(List[Any], [{name}{i}, {name}{i}])\n" for i in range(60)]
    return f"{name}0 = annotate(List[Any], [x])\n" + "".join(lines) + f"{name} = {name}60\n"


def inside_itself(name: str) -> str:
    return f"{name} = annotate(List[Any], [])\n_{name} = torch.append({name}, {name})\n"


def nested(name: str) -> str:
    return f"{name} = annotate(List[Any], [x])\nfor i in range(1000000):\n  {name} = annotate(List[Any], [{name}])\n"


USES = {
    "returned": "return a", "returned twice": "return [a, a]", "returned below a key": 'd = annotate(Dict[str, Any], {"k": a})\nreturn d', "printed": "return torch.str(a)",
    "formatted": 'return torch.format("{}", a)', "raised": "ops.prim.RaiseException(torch.str(a))\nreturn x",
}  # fmt: skip


@pytest.mark.parametrize("make", [doubled, inside_itself, nested])
@pytest.mark.parametrize("use", USES)
def test_code_3_values_without_end(hostile, program, tmp_path, make, use):
    """Given back or printed: an error, neither a crash nor all memory."""
    (tmp_path / "in.json").write_text('{"x": [1]}')
    path = program(make("a") + USES[use])
    hostile.refuses(("run", path, "--input", tmp_path / "in.json"), "unfolds to more than" if make is doubled else "nested", megabytes=1500)


OUT_OF_RANGE = {
    "embedding": "return torch.embedding(x, torch.tensor([{}]))",
    "embedding of int32": "return torch.embedding(x, torch.tensor([{}], dtype=4))",
    "gather": "return torch.gather(x, 0, torch.tensor([[{}]]))",
    "gather 1": "return torch.gather(x, 1, torch.tensor([[{}]]))",
    "select": "return torch.select(x, 0, {})",
    "index": "return torch.index(x, [torch.tensor([{}])])",
    "index second": "return torch.index(x, [None, torch.tensor([{}])])",
    "index_put": "return torch.index_put(x, [torch.tensor([{}])], torch.tensor(1.))",
    "index_put_": "return torch.index_put_(x, [torch.tensor([{}])], torch.tensor(1.), True)",
    "index_select": "return torch.index_select(x, 0, torch.tensor([{}]))",
    "index_add": "return torch.index_add(x, 0, torch.tensor([{}]), torch.ones([1, 3]))",
    "index_copy": "return torch.index_copy(x, 0, torch.tensor([{}]), torch.ones([1, 3]))",
    "index_fill": "return torch.index_fill(x, 0, torch.tensor([{}]), 1.)",
    "scatter": "return torch.scatter(x, 0, torch.tensor([[{}]]), torch.ones([1, 1]))",
    "scatter value": "return torch.scatter(x, 1, torch.tensor([[{}]]), 1.)",
    "scatter_": "return torch.scatter_(x, 0, torch.tensor([[{}]]), torch.ones([1, 1]))",
    "scatter_add": "return torch.scatter_add(x, 0, torch.tensor([[{}]]), torch.ones([1, 1]))",
    "narrow": "return torch.narrow(x, 0, {}, 1)",
    "take": "return torch.take(x, torch.tensor([{}]))",
    "list": "return [x][{}]",
    "tuple": "return x.size()[{}]",
    "one_hot": "return torch.one_hot(torch.tensor([{}]), 2)",
    "string": 'return "ab"[{}]',
    "dim": "return torch.sum(x, [{}])",
    "unbind": "return torch.unbind(x, {})[0]",
    "cross_entropy": "return torch.nll_loss(x, torch.tensor([{}, 0]))",
    "select of a result": "return torch.select(torch.cumsum(x, 0), 0, {})",
}


@pytest.mark.parametrize("name", OUT_OF_RANGE)
@pytest.mark.parametrize("index", [-(2**63), -(2**31), -8, 7, 2**31, 2**32 + 1, 2**63 - 1])
def test_code_4_index_out_of_range(hostile, program, tmp_path, name, index):
    """x is 2x3. An error in PyTorch's words, or a program that does not compile; never a number from elsewhere."""
    if "int32" in name and not -(2**31) <= index < 2**31:
        index = 7 if index > 0 else -8
    number = str(index) if index != -(2**63) else "-9223372036854775807 - 1"
    path = program(OUT_OF_RANGE[name].replace("{}", number), "self: __torch__.M, x: Tensor")
    (tmp_path / "in.json").write_text(json.dumps({"x": {"dtype": "float32", "data": [[1, 2, 3], [4, 5, 6]]}}))
    done = hostile.refuses(("run", path, "--input", tmp_path / "in.json"))
    assert not done.error.startswith("calque: error: code/") or name == "tuple", f"this seed does not reach the operator: {done.error}"


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"input_ids": [[1, -1]]}, "index out of range"),
        ({"input_ids": [[1, 97]]}, "index out of range"),
        ({"input_ids": [[1, 2**31]]}, "index out of range"),
        ({"input_ids": [[1, 2**63 - 1]]}, "index out of range"),
        ({"input_ids": [[1, 2]], "token_type_ids": [[0, 2]]}, "index out of range"),
        ({"input_ids": [[1, 2]], "token_type_ids": [[0, -1]]}, "index out of range"),
        ({"input_ids": [[1] * 33]}, ""),
        ({"input_ids": [[]]}, None),
        ({"input_ids": []}, ""),
        ({"input_ids": [1, 2]}, ""),
        ({"input_ids": [[1, 2]], "attention_mask": [[1, 1, 1]]}, ""),
        ({"input_ids": {"dtype": "float32", "data": [[1, 2]]}}, ""),
    ],
)
def test_code_4_inputs_of_a_real_model(hostile, calque, bert, tmp_path, inputs, word):
    """Ids, segments and positions that the tables do not have. The vocabulary has 97 words, 32 positions, 2 segments."""
    ids = inputs["input_ids"]
    ids = ids["data"] if isinstance(ids, dict) else ids
    ones = [[1] * len(row) for row in ids] if ids and isinstance(ids[0], list) else [1] * len(ids)
    zeros = [[0] * len(row) for row in ids] if ids and isinstance(ids[0], list) else [0] * len(ids)
    given = {"attention_mask": ones, "token_type_ids": zeros} | inputs
    (tmp_path / "in.json").write_text(json.dumps(given))
    if word is None:
        assert hostile("run", bert, "--input", tmp_path / "in.json").code in (0, 1)
    else:
        hostile.refuses(("run", bert, "--input", tmp_path / "in.json"), word)


@pytest.fixture(scope="module")
def bert(calque, tmp_path_factory):
    """An archive that PyTorch traced: a BERT of two layers."""
    import transformers

    torch.manual_seed(0)
    sizes = {"vocab_size": 97, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40, "max_position_embeddings": 32}
    config = transformers.BertConfig(torchscript=True, **sizes)
    config._attn_implementation = "eager"
    model = transformers.BertModel(config).eval()
    ids = torch.ones(2, 5, dtype=torch.int64)
    path = tmp_path_factory.mktemp("bert") / "bert.pt"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.jit.trace(model, (ids, ids, ids)).save(str(path))
    return path


HUGE = 1 << 40
GROWING = {
    "zeros": f"return torch.zeros([{HUGE}])",
    "zeros 2^62": f"return torch.zeros([{1 << 62}])",
    "zeros wrap": "return torch.zeros([4294967296, 4294967297])",
    "ones": f"return torch.ones([{HUGE}])",
    "full": f"return torch.full([{HUGE}], 1.5)",
    "empty": f"return torch.empty([{HUGE}])",
    "rand": f"return torch.rand([{HUGE}])",
    "eye": f"return torch.eye({1 << 20}, {1 << 20})",
    "arange": f"return torch.arange({HUGE})",
    "arange step": "return torch.arange(0., 1., 1e-13)",
    "linspace": f"return torch.linspace(0., 1., {HUGE})",
    "new_zeros": f"return torch.new_zeros(x, [{HUGE}])",
    "repeat": f"return torch.repeat(x, [{HUGE}, 1])",
    "repeat wrap": "return torch.repeat(x, [4611686018427387904, 4])",
    "expand and add": f"return torch.add(torch.expand(torch.unsqueeze(x, 0), [{HUGE}, 2, 3]), 1)",
    "expand and copy": f"return torch.contiguous(torch.expand(torch.unsqueeze(x, 0), [{HUGE}, 2, 3]))",
    "expand and cat": f"y = torch.expand(torch.unsqueeze(x, 0), [{HUGE}, 2, 3])\nreturn torch.cat([y, y])",
    "expand and matmul": f"return torch.matmul(torch.expand(torch.unsqueeze(x, 0), [{HUGE}, 2, 3]), torch.t(x))",
    "expand wrap": "return torch.expand(torch.unsqueeze(x, 0), [4611686018427387904, 2, 3])",
    "pad": f"return torch.constant_pad_nd(x, [{HUGE}, 0], 0)",
    "pad wrap": "return torch.constant_pad_nd(x, [9223372036854775807, 9223372036854775807], 0)",
    "one_hot": f"return torch.one_hot(torch.tensor([{HUGE}]))",
    "repeat_interleave": f"return torch.repeat_interleave(x, {HUGE}, 0)",
    "outer": f"y = torch.arange({1 << 20})\nreturn torch.mul(torch.unsqueeze(y, 0), torch.unsqueeze(y, 1))",
    "cartesian": f"y = torch.arange({1 << 20})\nreturn torch.matmul(torch.unsqueeze(y, 1), torch.unsqueeze(y, 0))",
    "list": f"return torch.mul([1], {HUGE})",
    "text": 's = "abcdefgh"\nfor i in range(40):\n  s = torch.add(s, s)\nreturn s',
    "range": f"return [i for i in range({HUGE})]",
    "bincount": f"return torch.bincount(torch.tensor([{HUGE}]))",
    "triu_indices": f"return torch.triu_indices({1 << 21}, {1 << 21})",
    "conv": f"return torch.conv1d(torch.unsqueeze(x, 0), torch.ones([1, 2, 1]), None, [1], [{HUGE}])",
    "pool": f"return torch.adaptive_avg_pool2d(torch.unsqueeze(x, 0), [{1 << 20}, {1 << 20}])",
    "tril": f"return torch.tril(torch.ones([{1 << 20}, {1 << 20}]))",
    "ljust": f'return torch.ljust("a", {HUGE})',
    "replace": 's = torch.ljust("a", 1000000)\nreturn torch.len(torch.replace(s, " ", s))',
    "join": 's = torch.ljust("a", 1000000)\nreturn torch.len(torch.join(s, torch.mul(["a"], 1000000)))',
}


# Grow bit by bit, so that without a budget the machine's memory ends them.
NEED_A_LIMIT = {"text", "range", "replace", "join"}


@pytest.mark.parametrize("limit", [None, "64MB"])
@pytest.mark.parametrize("name", GROWING)
def test_code_5_values_that_grow(hostile, program, tmp_path, name, limit):
    """A clean error, with a budget and without one."""
    if limit is None and name in NEED_A_LIMIT:
        limit = "1GB"
    path = program(GROWING[name])
    (tmp_path / "in.json").write_text(json.dumps({"x": {"dtype": "float32", "data": [[1, 2, 3], [4, 5, 6]]}}))
    assert hostile("inspect", path).seconds < 5
    options = () if limit is None else ("--max-memory", limit)
    done = hostile("run", path, "--input", tmp_path / "in.json", *options, megabytes={None: 140, "64MB": 400, "1GB": 4000}[limit])
    assert done.code == 1, done.out[:1000]
    assert not done.error.startswith("calque: error: code/"), f"this seed does not compile: {done.error}"


@pytest.mark.parametrize(
    "body",
    [f"return torch.factorial({HUGE})", f"return torch.pow(3, {HUGE})", "return torch.pow(10, 4611686018427387904)", f"return torch.gcd({HUGE}, {HUGE + 1})",
     f"return torch.lshift(1, {HUGE})", f"return torch.perm({HUGE}, {HUGE - 1})", "return torch.len(torch.str(torch.pow(10., 300)))"],
)  # fmt: skip
def test_code_5_numbers_that_grow(hostile, program, body):
    """Arithmetic on constants is done while the program is prepared: it ends at once, whatever the numbers are."""
    path = program(body, "self: __torch__.M")
    begin = time.monotonic()
    for command in ("inspect", "check", "run"):
        assert hostile(command, path).code in (0, 1)
    assert time.monotonic() - begin < 15
