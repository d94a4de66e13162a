"""freeze and optimize_for_inference against torch.jit's, on modules that were written for other tests."""

import copy
import io
import json
import os
import pathlib

import pytest
import torch
from safetensors.torch import load_file

import freezing_zoo
import zoo as writer_zoo
import zoo_control
import zoo_modules
import zoo_values
from jit_compare import same

WRITER_ZOO = {kind: kind.inputs() for kind in vars(writer_zoo).values() if isinstance(kind, type) and hasattr(kind, "inputs")}
del WRITER_ZOO[writer_zoo.Strings]  # PyTorch cannot read what it writes of it: it prints 1e10 as an int.
EXAMPLES = {**zoo_control.EXAMPLES, **zoo_values.EXAMPLES, **zoo_modules.EXAMPLES, **freezing_zoo.EXAMPLES, **WRITER_ZOO}
IDS = dict(ids=lambda kind: f"{kind.__module__}.{kind.__name__}" if isinstance(kind, type) else None)
CORPUS = pathlib.Path(os.environ.get("CALQUE_CORPUS", pathlib.Path(__file__).resolve().parents[3] / "shared/corpus"))


def file_name(kind):
    return f"{kind.__module__}.{kind.__name__}.pt"


def scripted(kind):
    torch.manual_seed(0)
    return writer_zoo.make(kind).eval() if kind in WRITER_ZOO else torch.jit.script(kind().eval())


def outcome(module, inputs):
    try:
        return "result", module(*copy.deepcopy(inputs))
    except Exception as error:  # noqa: BLE001: any error of the program counts
        return "error", str(error).strip().splitlines()[-1]


def check_same_behaviour(mine, theirs, calls, tolerance=1e-5):
    """Call after call, because modules may count them."""
    for inputs in calls:
        expected = outcome(theirs, inputs)
        found = outcome(mine, inputs)
        assert found[0] == expected[0], f"{found}\nexpected {expected}"
        same(found[1], expected[1], tolerance)


def kept(module):
    """What a module holds, without the class names."""
    return {
        "attributes": sorted(name for name, _ in attributes_of(module)),
        "modules": sorted(name for name, _ in module.named_modules()),
        "state": sorted(module.state_dict()),
        "methods": sorted(module._c._method_names()),
    }


def loaded_again(module):
    """The Python wrapper of a module that was just frozen does not show its submodules."""
    archive = io.BytesIO()
    torch.jit.save(module, archive)
    archive.seek(0)
    return torch.jit.load(archive)


def attributes_of(module):
    for line in str(module._c.dump_to_str(False, True, False)).splitlines():
        if " = " in line and not line.strip().endswith("{"):
            yield line.strip().split(" = ")[0], None


@pytest.fixture(scope="module")
def archives(tmp_path_factory, jit_tool):
    """Folders: as PyTorch saved them, as jit_tool froze and optimised them."""
    folder = tmp_path_factory.mktemp("archives")
    for name in ("plain", "frozen", "optimised"):
        (folder / name).mkdir()
    for kind in EXAMPLES:
        torch.jit.save(scripted(kind), str(folder / "plain" / file_name(kind)))
    jit_tool("freeze", folder / "plain", folder / "frozen")
    jit_tool("optimize", folder / "plain", folder / "optimised")
    return folder


@pytest.mark.parametrize("kind", EXAMPLES, **IDS)
@pytest.mark.parametrize("verb", ["frozen", "optimised"])
def test_pytorch_runs_what_was_frozen(kind, verb, archives):
    mine = torch.jit.load(str(archives / verb / file_name(kind)))
    theirs = torch.jit.load(str(archives / "plain" / file_name(kind)))
    check_same_behaviour(mine, theirs, EXAMPLES[kind])


@pytest.mark.parametrize("kind", EXAMPLES, **IDS)
def test_keeps_what_pytorch_keeps(kind, archives):
    mine = torch.jit.load(str(archives / "frozen" / file_name(kind)))
    theirs = loaded_again(torch.jit.freeze(torch.jit.load(str(archives / "plain" / file_name(kind)))))
    assert kept(mine) == kept(theirs)


@pytest.mark.parametrize("kind", [kind for kind in EXAMPLES if kind not in WRITER_ZOO], **IDS)
def test_calque_runs_what_was_frozen(kind, archives, agrees):
    agrees(archives / "frozen" / file_name(kind), [("forward", inputs) for inputs in EXAMPLES[kind]])


# What PyTorch 2.13 does with these, too. It keeps the same attributes in every module of a class; Calque only where
# they are used or asked for.
NAMES = [["other"], ["training"], ["calls"], ["one.0.calls", "scale"], ["two.b.lin.weight", "calls"], ["two.a"]]
# PyTorch fails on these: it looks for methods of submodules in the root.
MORE_NAMES = [["one"], ["one.0.reset"]]


@pytest.mark.parametrize("names", NAMES + MORE_NAMES, ids=",".join)
def test_preserved_names(names, tmp_path, jit_tool):
    plain, frozen = tmp_path / "plain.pt", tmp_path / "frozen.pt"
    torch.jit.script(freezing_zoo.KeepsState().eval()).save(str(plain))
    jit_tool("freeze", plain, frozen, ",".join(names))
    mine = torch.jit.load(str(frozen))
    original = torch.jit.load(str(plain))
    if names in NAMES:
        theirs = kept(loaded_again(torch.jit.freeze(torch.jit.load(str(plain)), names)))
        assert kept(mine)["methods"] == theirs["methods"]
        assert {key: value for key, value in kept(mine).items() if not set(value) <= set(theirs[key])} == {}
        if not any("two" in name for name in names):
            assert kept(mine) == theirs
    check_same_behaviour(mine, original, freezing_zoo.KeepsState.inputs)
    for name in set(names) & {"other", "calls"}:
        inputs = () if name == "calls" else (torch.ones(2),)
        same(getattr(mine, name)(*inputs), getattr(original, name)(*inputs))


def test_batch_norm_becomes_part_of_the_convolution(archives):
    frozen = torch.jit.load(str(archives / "frozen" / file_name(freezing_zoo.Convolutions)))
    assert "batch_norm" not in frozen.code


def test_frozen_again_is_the_same(tmp_path, jit_tool, archives):
    frozen = archives / "frozen" / file_name(zoo_modules.Stack)
    jit_tool("freeze", frozen, tmp_path / "again.pt")
    assert (tmp_path / "again.pt").read_bytes() == frozen.read_bytes()


def test_freezing_leaves_the_module_as_it_is(tmp_path, jit_tool, archives):
    """The tool saves what freeze returns; here the module is described before and after."""
    plain = archives / "plain" / file_name(freezing_zoo.KeepsState)
    out = jit_tool("untouched", plain)
    assert out == "same\n"


# One of each kind; CALQUE_FULL takes all of them.
ARCHIVES = sorted(CORPUS.glob("*.pt"))[:: 1 if os.environ.get("CALQUE_FULL") else 8]


@pytest.fixture(scope="module")
def frozen_corpus(tmp_path_factory, jit_tool):
    folder = tmp_path_factory.mktemp("corpus")
    done = jit_tool.run("freeze", CORPUS, folder)
    failures = done.stdout.splitlines()
    assert all("in eval mode" in line for line in failures), failures
    return folder


@pytest.mark.skipif(not ARCHIVES, reason=f"no corpus of archives in {CORPUS}; CALQUE_CORPUS names another folder")
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.stem)
def test_corpus(archive, frozen_corpus):
    """PyTorch runs the frozen archive on the inputs of the first run, and gives what it gave for the archive."""
    file = frozen_corpus / archive.name
    if not file.exists():
        pytest.skip("saved in training mode, which freeze refuses")
    tensors = load_file(archive.with_suffix(".safetensors"))
    run = json.loads(archive.with_suffix(".json").read_text())["runs"][0]
    names = [f"case{run['case']}.in.{position}" for position in range(len(run["shapes"]))]
    if not all(name in tensors for name in names):
        pytest.skip("the first run has no saved inputs")
    tolerance = 8e-2 if "bfloat16" in archive.stem else 1e-2 if "float16" in archive.stem else 1e-5
    calls = [tuple(tensors[name] for name in names)]
    check_same_behaviour(torch.jit.load(str(file)), torch.jit.load(str(archive)), calls, tolerance)
