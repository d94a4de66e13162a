"""Pickles inside good archives: the lines Pkl 1 to 7, and GGUF's lesson where it concerns tensors."""

import pickle
import struct

import pytest

import hostile_archives as archives
from hostile_archives import Tensor, instance, integer, name_of, records, text, tuple_of, write


@pytest.fixture
def refuses(hostile, tmp_path):
    """refuses(words..., changes): the archive with these changes is refused."""

    def check(*words, limits=(), **changes):
        hostile.refuses_file(write(tmp_path / "m.pt", records(**changes)), *words, **dict(limits))

    return check


@pytest.fixture
def outcome(hostile, tmp_path):
    """outcome(changes): exit code 0 or 1 of inspecting it; a crash, a hang or much memory is a failure."""

    def check(**changes):
        done = hostile("inspect", write(tmp_path / "m.pt", records(**changes)))
        assert done.code == 0 or done.first_line.startswith("calque: error: "), done.error
        return done

    return check


GADGETS = """os system|posix system|nt system|os popen|os execv|os spawnv|subprocess Popen|subprocess check_output|subprocess call|builtins eval
builtins exec|builtins compile|builtins getattr|builtins __import__|builtins open|builtins apply|__builtin__ eval|__builtin__ exec|__builtin__ getattr
importlib import_module|runpy _run_code|runpy run_path|pty spawn|webbrowser open|shutil rmtree|socket create_connection|httplib HTTPSConnection
requests.api get|urllib.request urlopen|pickle loads|_pickle loads|cPickle loads|dill loads|cloudpickle loads|joblib load|marshal loads|code InteractiveInterpreter
codeop compile_command|ctypes CDLL|ctypes.util find_library|bdb Bdb.run|pdb Pdb.run|timeit timeit|timeit repeat|cProfile run|profile run|trace Trace
doctest debug_script|unittest.mock _patch|operator attrgetter|operator methodcaller|functools partial|functools reduce|itertools starmap|types FunctionType
types CodeType|ensurepip _run_pip|pip main|pip._internal main|venv create|idlelib.pyshell ModifiedInterpreter.runcode|lib2to3.pgen2.pgen ParserGenerator
distutils.file_util write_file|logging.config _resolve|asyncio.unix_events _UnixSubprocessTransport._start|multiprocessing.util spawnv_passfds
torch load|torch.hub load|torch.jit load|torch.serialization load|torch.storage _load_from_bytes|torch._dynamo.guards GuardBuilder.get
torch._inductor.codecache compile_file|torch.utils._config_module load_config|torch.utils.collect_env run|torch.utils.bottleneck.__main__ run_cprofile
torch.utils.data.datapipes.utils.decoder basichandlers|torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression
torch.distributed.rpc.internal _run_function|torch.multiprocessing.reductions rebuild_storage_fd|torch.multiprocessing.reductions rebuild_cuda_tensor
torch._utils _rebuild_device_tensor_from_numpy|torch._utils _rebuild_wrapper_subclass|torch._tensor _rebuild_from_type_v2|torch._tensor _rebuild_from_type
torch.nn.parameter UninitializedParameter|torch.fx.graph_module reduce_graph_module|torch._library.fake_class_registry FakeScriptObject
numpy load|numpy.core.multiarray _reconstruct|numpy.testing._private.utils runstring|numpy.f2py.crackfortran getlincoef|tensorflow.keras.models load_model
keras.models load_model|sympy sympify|pandas read_pickle|transformers pipeline|collections namedtuple|collections OrderedDict|copyreg _reconstructor|copy_reg _reconstructor"""
NAMES = [tuple(entry.split(" ")) for line in GADGETS.split("\n") for entry in line.split("|")]


def test_pkl_1_no_global_is_called(hostile, tmp_path):
    """By REDUCE with a plausible argument, as an object with a state, and bare; wherever a value may stand."""
    mark = tmp_path / "ran"
    argument = tuple_of(text(f"touch {mark}"))
    for module, name in NAMES:
        value = name_of(module, name) + argument + b"R"
        path = write(tmp_path / "m.pt", records(w=value))
        done = hostile.refuses(("inspect", path), "data.pkl", "attribute w")
        assert f"{module}.{name}" in done.first_line or "Tensor" in done.first_line or name in done.first_line, done.error
        hostile.refuses(("inspect", write(tmp_path / "m.pt", records(data=value))), "data.pkl")
        hostile.refuses(("inspect", write(tmp_path / "m.pt", records(constants=value + b"\x85"))), "constants.pkl")
    assert not mark.exists()


@pytest.mark.parametrize("form", ["reduce", "object", "bare", "key", "list", "state", "storage"])
def test_pkl_1_in_every_place(refuses, form):
    evil = name_of("os", "system")
    call = evil + tuple_of(text("true")) + b"R"
    changes = {
        "reduce": {"w": call},
        "object": {"w": evil + b")\x81}b"},
        "bare": {"w": evil},
        "key": {"w": b"}" + call + b"K\x01s"},
        "list": {"w": b"](" + call + b"e"},
        "state": {"data": name_of("__torch__", "M") + b")\x81" + call + b"b"},
        "storage": {"w": Tensor(storage="load").pickle()},
    }[form]
    refuses("data.pkl", **changes)


def test_pkl_1_hooks_are_never_called(hostile, tmp_path):
    mark = tmp_path / "ran"
    hooks = name_of("os", "system") + tuple_of(text(f"touch {mark}")) + b"R"
    hostile("inspect", write(tmp_path / "m.pt", records(w=Tensor(hooks=hooks).pickle())))
    assert not mark.exists()


class Exploit:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        import os

        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("record", ["m/data.pkl", "m/constants.pkl"])
def test_pkl_1_pickles_of_python(hostile, tmp_path, protocol, record):
    mark = tmp_path / "ran"
    more = {record: pickle.dumps({"w": Exploit(f"touch {mark}")}, protocol=protocol)}
    hostile.refuses_file(write(tmp_path / "m.pt", records(more=more)), record.removeprefix("m/"))
    assert not mark.exists()


def test_pkl_1_debug_records_are_pickles_too(hostile, tmp_path):
    """Places for messages only: what is wrong with them never keeps an archive from loading, and nothing in them runs."""
    mark = tmp_path / "ran"
    for evil in (pickle.dumps(Exploit(f"touch {mark}"), protocol=2), b"", b"\x80\x02" + b"(" * 100_000, b"\x80\x02X\xff\xff\xff\xff"):
        path = write(tmp_path / "m.pt", records(more={"m/code/__torch__.py.debug_pkl": evil}))
        assert hostile("inspect", path).code == 0
    assert not mark.exists()


VALUES = {
    "None": b"N", "bool": b"\x88", "int": b"K\x07", "float": b"G" + struct.pack(">d", 1.5), "str": text("x"), "tuple": b")", "list": b"]",
    "dict": b"}", "global": name_of("torch", "FloatStorage"), "object": instance("M", {}), "tensor": Tensor().pickle(),
    "storage": tuple_of(text("storage"), name_of("torch", "FloatStorage"), text("0"), text("cpu"), integer(4)) + b"Q",
}  # fmt: skip


@pytest.mark.parametrize("target", VALUES)
def test_pkl_2_every_opcode_on_every_type(outcome, target):
    """CVE-2025-32434 and CVE-2026-24747: items set on what is no dict."""
    value = VALUES[target]
    operations = {
        "SETITEM": value + text("k") + b"K\x01s", "SETITEMS": value + b"(" + text("k") + b"K\x01u", "APPEND": value + b"K\x01a",
        "APPENDS": value + b"(K\x01K\x02e", "BUILD": value + b"}b", "REDUCE": value + b")R", "NEWOBJ": value + b")\x81", "BINPERSID": value + b"Q",
        "REDUCE of it": name_of("torch._utils", "_rebuild_tensor_v2") + value + b"R", "BUILD by it": name_of("__torch__", "M") + b")\x81" + value + b"b",
        "key": b"}" + value + b"K\x01s",
    }  # fmt: skip
    allowed = {
        "SETITEM": {"dict"}, "SETITEMS": {"dict"}, "APPEND": {"list"}, "APPENDS": {"list"}, "BUILD": {"object"}, "NEWOBJ": {"global"},
        "REDUCE": {"global"}, "BINPERSID": set(VALUES), "REDUCE of it": set(), "BUILD by it": set(), "key": set(VALUES),
    }  # fmt: skip
    for operation, pickled in operations.items():
        done = outcome(w=pickled)
        assert done.code == 1, f"{operation} on {target}"
        if target not in allowed[operation] and operation not in ("REDUCE of it", "BUILD by it") and (operation, target) != ("BUILD", "tensor"):
            assert "opcode" in done.first_line, f"{operation} on {target}: {done.error}"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"numel": integer(3)}, "does not lie inside its storage of 3 elements"),
        ({"numel": integer(5)}, "holds 16 bytes, but 5 elements"),
        ({"sizes": tuple_of(integer(5))}, "does not lie inside its storage of 4 elements"),
        ({"offset": integer(1)}, "does not lie inside its storage of 4 elements"),
        ({"sizes": tuple_of(integer(4), integer(1))}, "does not lie inside"),
        ({"strides": tuple_of(integer(1), integer(1))}, "does not lie inside"),
        ({"strides": tuple_of()}, "does not lie inside"),
        ({"storage": "DoubleStorage"}, "holds 16 bytes, but 4 elements of float64"),
    ],
)
def test_pkl_2_counts_off_by_one(refuses, changes, word):
    refuses("data.pkl" if "lie" in word else "data/0", word, w=Tensor(**changes).pickle())


@pytest.mark.parametrize(
    ("value", "word"),
    [(b"}(" + text("a") + b"u", "1 values are set on a dict"), (b"}(" + text("a") + b"K\x01" + text("b") + b"u", "3 values are set on a dict"),
     (b"(" + text("a") + b"d", "1 values are set on a dict"), (b"}s", "it needs"), (b"a", "it needs"), (b"\x87", "it needs 3 values")],
)
def test_pkl_2_odd_counts(refuses, value, word):
    refuses("data.pkl", "opcode", word, data=value)


def size8(opcode: bytes, size: int) -> bytes:
    return opcode + struct.pack("<Q", size)


def size4(opcode: bytes, size: int) -> bytes:
    return opcode + struct.pack("<I", size)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (size8(b"\x8d", 226 << 30), "BINUNICODE8"),
        (size8(b"\x8e", 4 << 30), "BINBYTES8"),
        (size8(b"\x96", 4 << 30), "BYTEARRAY8"),
        (size8(b"\x95", 2**64 - 1), "FRAME"),
        (size4(b"\x8b", 0xFFFFFFFF), "LONG4"),
        (size4(b"\x8b", 0x80000000), "LONG4"),
        (b"\x8a\xff" + b"\x01" * 255, "LONG1"),
        (b"\x8a\x09" + b"\xff" * 9, "LONG1"),
        (size4(b"X", 0xFFFFFFFF), "BINUNICODE"),
        (size4(b"X", 0x7FFFFFFF) + b"abc", "BINUNICODE"),
        (b"U\xff" + b"abc", "SHORT_BINSTRING"),
        (size4(b"T", 0xFFFFFFFF), "BINSTRING"),
        (size4(b"B", 0xFFFFFFFF), "BINBYTES"),
        (size4(b"j", 0xFFFFFFFF), "LONG_BINGET"),
        (b"h\xff", "BINGET"),
        (b"t", "TUPLE"),
        (b"e", "APPENDS"),
        (b"0", "POP"),
        (b"1", "POP_MARK"),
        (b"2", "DUP"),
        (b"ios\nsystem\n", "INST"),
        (b"(o", "OBJ"),
        (b"\x93", "STACK_GLOBAL"),
        (b"\x92", "NEWOBJ_EX"),
        (b"\x82\x01", "EXT1"),
        (b"P1\n", "PERSID"),
        (b"I99999999999999999999\n", "INT"),
        (b"L9" + b"9" * 1000 + b"L\n", "LONG"),
        (b"cos", "GLOBAL"),
        (b"\xff", "no such opcode"),
    ],
)
def test_pkl_3_lengths_and_underflow(refuses, value, word):
    refuses("data.pkl", word, data=value, limits={"megabytes": 60})
    refuses("constants.pkl", word, constants=value)


def test_pkl_3_memo_numbers_take_no_memory(hostile, tmp_path):
    """An index of 2^32 - 1 is a name, not a place in an array."""
    value = Tensor().pickle() + size4(b"r", 0xFFFFFFFF) + size4(b"r", 0xFFFFFFFE) + b"r\x00\x00\x00\x80"
    assert hostile("inspect", write(tmp_path / "m.pt", records(w=value)), megabytes=60).code == 0


def test_pkl_3_many_marks(refuses):
    refuses("data.pkl", data=b"(" * 1_000_000, limits={"megabytes": 400})
    refuses("data.pkl", data=b"N" * 1_000_000, limits={"megabytes": 600})


@pytest.mark.parametrize("numel", [0x4000000000000001, 2**62, 2**63 - 1, 2**61 + 1, -1, -(2**63)])
@pytest.mark.parametrize("storage", ["FloatStorage", "DoubleStorage", "ByteStorage"])
def test_pkl_4_numel_that_wraps(refuses, numel, storage):
    word = "a storage of" if numel < 0 else "holds 16 bytes"
    refuses(word, str(numel), w=Tensor(storage=storage, numel=integer(numel)).pickle())


TOP = 2**63 - 1


@pytest.mark.parametrize(
    ("offset", "sizes", "strides"),
    [
        (0, [4], [-1]), (0, [-4], [1]), (3, [4], [-1]), (-1, [1], [1]), (TOP, [1], [1]), (TOP, [2], [1]), (TOP - 1, [2], [2]), (-(2**63), [1], [1]),
        (0, [2], [TOP]), (0, [3], [TOP]), (0, [3, 3], [TOP // 2, TOP // 2]), (0, [TOP, TOP], [0, 0]), (0, [2**32, 2**32], [0, 0]),
        (0, [2**32, 2**32 + 1], [1, 1]), (0, [5], [1]), (1, [4], [1]), (0, [2, 2], [3, 1]), (0, [2, 2], [1]), (0, [1] * 1000, [1] * 1000), (5, [0], [1]),
    ],
)  # fmt: skip
def test_pkl_5_views_outside_the_storage(refuses, offset, sizes, strides):
    dims = {"sizes": tuple_of(*map(integer, sizes)), "strides": tuple_of(*map(integer, strides))}
    refuses("data.pkl", "attribute w", w=Tensor(offset=integer(offset), **dims).pickle())


def test_pkl_5_views_that_share_memory_are_fine(hostile, tmp_path):
    """Overlapping elements are what expand() saves; writing to them is refused when a program tries."""
    w = Tensor(sizes=tuple_of(integer(1000), integer(4)), strides=tuple_of(integer(0), integer(1))).pickle()
    path = write(tmp_path / "m.pt", records(w=w, code=archives.code_of("return torch.add_(self.w, 1)", "self")))
    assert hostile("inspect", path).code == 0
    hostile.refuses(("run", path), "more than one element of the written-to tensor refers to a single memory location")


@pytest.mark.parametrize(
    "value",
    [
        name_of("torch._tensor", "_rebuild_from_type_v2") + b")R",
        name_of("torch._tensor", "_rebuild_from_type_v2") + tuple_of(b"N", b"N", b")", b"}") + b"R",
        name_of("torch._tensor", "_rebuild_from_type_v2") + tuple_of(name_of("torch._utils", "_rebuild_tensor_v2"), name_of("torch", "Tensor"), b")", b"}") + b"R",
        name_of("torch._utils", "_rebuild_parameter") + b")R",
        name_of("torch._utils", "_rebuild_parameter") + tuple_of(b"N", b"\x88", b"N") + b"R",
        name_of("torch._utils", "_rebuild_tensor_v2") + b")R",
        name_of("torch._utils", "_rebuild_tensor_v2") + tuple_of(*[b"N"] * 6) + b"R",
        name_of("torch._utils", "_rebuild_qtensor") + tuple_of(*[b"N"] * 7) + b"R",
        name_of("torch._utils", "_rebuild_sparse_tensor") + b")R",
        name_of("torch.jit._pickle", "build_tensor_from_id") + tuple_of(b"K\x05") + b"R",
        name_of("torch.jit._pickle", "restore_type_tag") + tuple_of(b"]") + b"R",
        name_of("__torch__", "M") + b")\x81",
        name_of("__torch__", "Nobody") + b")\x81}b",
    ],
)
def test_pkl_6_half_made_calls(refuses, value):
    refuses("data.pkl", "attribute w", w=value)


@pytest.mark.parametrize("record", ["data.pkl", "constants.pkl"])
def test_pkl_6_cut_after_every_byte(hostile, tmp_path, record):
    """A good ZIP archive each time, so that the pickle is what is read."""
    whole = records(constants=Tensor(key="c").pickle() + b"\x85", more={"m/constants/c": bytes(16)})
    name = f"m/{record}"
    for length in range(len(whole[name])):
        path = write(tmp_path / "m.pt", whole | {name: whole[name][:length]})
        hostile.refuses(("inspect", path), record)


def test_pkl_6_every_byte_replaced(hostile, tmp_path):
    """Each byte of a pickle becomes each of some opcodes."""
    whole = records()
    good = whole["m/data.pkl"]
    for at in range(2, len(good), 3):
        for opcode in (b"R", b"\x81", b"t", b"Q"):
            path = write(tmp_path / "m.pt", whole | {"m/data.pkl": good[:at] + opcode + good[at + 1 :]})
            done = hostile("inspect", path)
            assert done.code == 0 or "calque: error:" in done.first_line


DEEP = 1_000_000


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (b"(" * DEEP + b"t" * DEEP, "opcode TUPLE"),
        (b")" + b"\x85" * DEEP, "nested more than"),
        (b"](" * (DEEP // 2) + b"e" * (DEEP // 2), "nested more than"),
        (b"N" + b"Q" * DEEP, "nested more than"),
        (b"]q\x01h\x01a", "contains itself"),
        (b"]q\x01(h\x01\x85e", "contains itself"),
        (b"}q\x01" + text("a") + b"h\x01s", "contains itself"),
        (b"}q\x01h\x01" + b"K\x01s", "contains itself"),
        (name_of("__torch__", "M") + b")\x81q\x01}(" + text("w") + b"h\x01ub", "contains itself"),
        (name_of("torch", "device") + b"(]q\x01h\x01atR", "contains itself"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["w", "data", "constants"])
def test_pkl_7_depth_and_cycles(refuses, value, word, place):
    refuses("constants.pkl" if place == "constants" else "data.pkl", word, **{place: value}, limits={"megabytes": 800})


def test_pkl_7_sharing_that_doubles(refuses):
    """Sixty tuples, each of the one before twice, stand for 2^60 values."""
    doubled = b"()q\x01" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(1, 60)) + b"t"
    refuses("data.pkl", "values", w=doubled)
    lists = b"(]q\x01" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(1, 60)) + b"t"
    refuses("data.pkl", "values", w=lists)


def test_gguf_pickled_sizes_are_checked_before_they_are_multiplied(refuses):
    """Offsets, sizes, strides and item sizes whose product, sum or padding wraps to something small."""
    for numel, sizes, strides in ((2**62, [2**62], [4]), (4, [2**62, 4], [4, 1]), (4, [2**61 + 1, 8], [8, 1]), (4, [4, 2**62], [2**62, 1])):
        dims = {"sizes": tuple_of(*map(integer, sizes)), "strides": tuple_of(*map(integer, strides))}
        refuses(w=Tensor(numel=integer(numel), **dims).pickle())
