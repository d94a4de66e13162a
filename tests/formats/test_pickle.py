"""Pickles: the same tree as Python's own reader gives, and the same bytes as PyTorch's writer."""

import collections
import io
import json
import pickle
import random
import zipfile

import pytest
import torch

from .damage import cuts, flips, write_all


class Global:
    def __init__(self, module, name):
        self.module, self.name = module, name


class Persistent:
    def __init__(self, key):
        self.key = key


class Call:
    """What REDUCE or NEWOBJ made."""

    def __init__(self, kind, callable_, arguments):
        self.kind, self.callable, self.arguments = kind, callable_, arguments
        self.pairs = []
        self.state = []

    def __setitem__(self, key, value):
        self.pairs.append((key, value))


class Pairs(list):
    """A dict that keeps every pair, whatever its key."""

    def __setitem__(self, key, value):
        self.append((key, value))


class PlainUnpickler(pickle._Unpickler):
    """Python's reader, which builds plain data instead of objects."""

    dispatch = dict(pickle._Unpickler.dispatch)

    def find_class(self, module, name):
        return Global(module, name)

    def persistent_load(self, key):
        return Persistent(key)

    def call(self, kind):
        arguments = self.stack.pop()
        self.stack.append(Call(kind, self.stack.pop(), arguments))

    def load_build(self):
        state = self.stack.pop()
        self.stack[-1].state.append(state)

    def load_empty_dict(self):
        self.append(Pairs())

    dispatch[pickle.REDUCE[0]] = lambda self: self.call("call")
    dispatch[pickle.NEWOBJ[0]] = lambda self: self.call("object")
    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.EMPTY_DICT[0]] = load_empty_dict


class Dump:
    """The form that `formats_tool pickle-dump` prints."""

    def __init__(self):
        self.numbers = {}

    def __call__(self, value):
        if value is None:
            return ["None"]
        if isinstance(value, bool | int | float):
            return [type(value).__name__, value]
        if id(value) in self.numbers and not value == ():
            return ["ref", self.numbers[id(value)]]
        result = self.node(value)
        self.numbers.setdefault(id(value), len(self.numbers))
        return result

    def node(self, value):
        match value:
            case str():
                return ["str", value]
            case Global():
                return ["global name", value.module, value.name]
            case Persistent():
                return ["persistent id", self(value.key)]
            case Call():
                head = [value.kind, self(value.callable), self(value.arguments)]
                return head + self.pairs(value.pairs) + [self(state) for state in value.state]
            case Pairs():
                return ["dict", *self.pairs(value)]
            case tuple() | list():
                return [type(value).__name__, *map(self, value)]
        raise TypeError(type(value))

    def pairs(self, pairs):
        return [self(item) for pair in pairs for item in pair]


def without_refs(tree):
    """The tree with shared nodes written out: Python interns what the pickle does not share, and numbers differ."""
    nodes = []

    def walk(node):
        if node[0] == "ref":
            return nodes[node[1]]
        result = [walk(part) if isinstance(part, list) else part for part in node]
        if node[0] not in ("None", "bool", "int", "float"):
            nodes.append(result)
        return result

    return walk(tree)


def python_tree(data: bytes):
    return Dump()(PlainUnpickler(io.BytesIO(data)).load())


def our_tree(tool, path):
    return json.loads(tool("pickle-dump", path))


def pickles_of(path):
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith((".pkl")):
                yield name, archive.read(name)


def test_corpus_trees_agree_and_bytes_come_back(tool, corpus, tmp_path):
    seen = 0
    for path in sorted(corpus.glob("*.pt"))[::6]:
        for name, data in pickles_of(path):
            (tmp_path / "in.pkl").write_bytes(data)
            ours = our_tree(tool, tmp_path / "in.pkl")
            assert without_refs(ours) == unfolded(data), f"{path.name} {name}"
            tool("pickle-rewrite", tmp_path / "in.pkl", tmp_path / "out.pkl")
            assert (tmp_path / "out.pkl").read_bytes() == data, f"{path.name} {name}"
            seen += 1
    assert seen > 10


def unfolded(data: bytes):
    """Python's tree without any sharing."""

    class Plain(Dump):
        def __call__(self, value):
            self.numbers = {}
            return super().__call__(value)

    return Plain()(PlainUnpickler(io.BytesIO(data)).load())


def test_fresh_traces_and_scripts(tool, tmp_path):
    class Everything(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(3, 3)
            self.numbers = [1, 300, 70_000, 2**40, -5]
            self.table = {"x": 1.5, "y": -0.0}
            self.pair = (1, "two", 3.0, None)

        def forward(self, x):
            return self.linear(x), self.numbers, self.table, self.pair

    torch.jit.save(torch.jit.script(Everything()), str(tmp_path / "m.pt"))
    for _, data in pickles_of(tmp_path / "m.pt"):
        (tmp_path / "in.pkl").write_bytes(data)
        assert without_refs(our_tree(tool, tmp_path / "in.pkl")) == unfolded(data)
        tool("pickle-rewrite", tmp_path / "in.pkl", tmp_path / "out.pkl")
        assert (tmp_path / "out.pkl").read_bytes() == data


def test_state_dict_of_torch_save(tool, tmp_path):
    torch.save(torch.nn.Linear(3, 3).state_dict(), tmp_path / "s.pt")
    with zipfile.ZipFile(tmp_path / "s.pt") as archive:
        data = archive.read("s/data.pkl")
    (tmp_path / "in.pkl").write_bytes(data)
    tree = our_tree(tool, tmp_path / "in.pkl")
    assert without_refs(tree) == unfolded(data)
    assert tree[:2] == ["call", ["global name", "collections", "OrderedDict"]]
    assert "weight" in json.dumps(tree)


def plain_value(source: random.Random, depth: int = 0):
    kind = source.randrange(12 if depth < 4 else 8)
    if kind < 8:
        return [None, True, False, source.randrange(300), source.randrange(-(2**31), 2**31), source.randrange(-(2**62), 2**62),
                source.random(), "text" * source.randrange(3)][kind]
    parts = [plain_value(source, depth + 1) for _ in range(source.randrange(5))]
    if kind == 8:
        return parts
    if kind == 9:
        return tuple(parts)
    if kind == 10:
        return collections.OrderedDict((f"k{i}", part) for i, part in enumerate(parts))
    return {f"k{i}": part for i, part in enumerate(parts)}


def test_random_plain_data(tool, tmp_path):
    source = random.Random(7)
    for index in range(60):
        data = pickle.dumps(plain_value(source), 2)
        (tmp_path / "in.pkl").write_bytes(data)
        assert without_refs(our_tree(tool, tmp_path / "in.pkl")) == unfolded(data), index


def test_python_reads_what_we_write(tool, tmp_path):
    value = {"a": [1, 2**40, -3], "b": ("x", "x"), "c": {"d": 1.5}}
    (tmp_path / "in.pkl").write_bytes(pickle.dumps(value, 2))
    tool("pickle-rewrite", tmp_path / "in.pkl", tmp_path / "out.pkl")
    assert pickle.loads((tmp_path / "out.pkl").read_bytes()) == value


@pytest.mark.parametrize("protocol", [0, 1, 3, 4, 5])
def test_other_protocols_are_refused(tool, tmp_path, protocol):
    (tmp_path / "in.pkl").write_bytes(pickle.dumps({"a": 1}, protocol))
    assert "protocol" in tool.refuses("pickle-dump", tmp_path / "in.pkl")


def test_nothing_is_run(tool, tmp_path):
    class Evil:
        def __reduce__(self):
            return exec, ("raise SystemExit(77)",)

    (tmp_path / "in.pkl").write_bytes(pickle.dumps(Evil(), 2))
    assert our_tree(tool, tmp_path / "in.pkl") == [
        "call", ["global name", "__builtin__", "exec"], ["tuple", ["str", "raise SystemExit(77)"]]]


def test_damaged_pickles(tool, corpus, tmp_path):
    data = next(data for name, data in pickles_of(corpus / "script-Mods.pt") if name.endswith("/data.pkl"))
    verdicts = tool.check("pickle", write_all(tmp_path / "damaged", [*cuts(data), *flips(data, 5000)]))
    assert all(verdict == "ok" or verdict.startswith("refused: ") for verdict in verdicts)
    assert all(verdict.startswith("refused: ") for verdict in verdicts[:200])
