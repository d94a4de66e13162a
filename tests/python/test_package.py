"""The package as a file: types, size, libraries, time of import; the wheel in an empty environment."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build/python/tools"
FOLDER = pathlib.Path(calque.__file__).parent
SYSTEM = {"linux-vdso.so.1", "libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6", "/lib64/ld-linux-x86-64.so.2"}
USE = """
import calque
from calque.transformers import AutoModel, AutoTokenizer, BertModel
tensor: calque.Tensor = calque.tensor([[1, 2]])
shape: tuple[int, ...] = tensor.shape
total: calque.Tensor = (tensor.float() * 2 + 1).sum(dim=1)
module: calque.jit.ScriptModule = calque.jit.load("model.pt")
model: BertModel = BertModel.from_pretrained("folder")
traced: calque.jit.ScriptModule = calque.jit.trace(model, [tensor])
kind: calque.dtype = tensor.dtype
options: calque.jit.RunOptions = calque.jit.RunOptions(max_seconds=1)
report: calque.jit.CheckReport = calque.jit.check("model.pt", shapes=[(1, 8)])
missing: list[str] = [use.name for use in report.operators if use.support == "missing"]
unit: calque.jit.CompilationUnit = calque.jit.CompilationUnit("def f(x): return x")
function: calque.jit.ScriptFunction = unit.f
weights: dict[str, calque.Tensor] = module.half().eval().state_dict()
children: list[calque.jit.ScriptModule] = module.children()
tensors: dict[str, calque.Tensor] = calque.read_tensors("in.npz")
random: calque.Tensor = calque.randint(0, 10, (2, 3)) + calque.randn(2, 3)
"""


# What stubtest finds strange about classes and functions of nanobind, functools.partial and functools.cache. Names that are
# missing or too many, arguments that differ, are none of these.
NANOBINDS = re.compile(
    r"is not a function$|is a disjoint base at runtime|metaclass differs$|is a staticmethod but runtime is not$|__nb_enum__ is not present"
    r"|__init__ is inconsistent, stub does not have \*args|variable differs from runtime type def \(|transformers\._(architecture|config) is"
)


def module_file() -> pathlib.Path:
    return next(FOLDER.glob("_calque*.so"))


def mypy(*arguments, tool: str = "mypy") -> subprocess.CompletedProcess:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join((str(FOLDER.parent), str(TOOLS))), MYPYPATH=str(FOLDER.parent))
    option = "--mypy-config-file" if tool == "mypy.stubtest" else "--config-file"
    command = [sys.executable, "-m", tool, option, ROOT / "pyproject.toml", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=FOLDER.parent, timeout=500)


@pytest.mark.skipif(not (TOOLS / "mypy").is_dir(), reason="mypy comes with python/build.sh")
def test_types(tmp_path):
    assert (FOLDER / "py.typed").exists() and (FOLDER / "_calque.pyi").exists()
    done = mypy("--strict", FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr
    program = tmp_path / "program.py"
    program.write_text(USE + 'wrong: int = tensor.sum()\nalso: str = tensor.shape\ncalque.jit.load(5)\n')
    done = mypy("--strict", program)
    assert len(re.findall("error:", done.stdout)) == 3, done.stdout + done.stderr


@pytest.mark.skipif(not (TOOLS / "mypy").is_dir(), reason="mypy comes with python/build.sh")
def test_the_stubs_are_what_the_module_is():
    done = mypy("calque", "--concise", tool="mypy.stubtest")
    lines = [line for line in done.stdout.splitlines() if "error" in line.lower() or line.startswith("calque.")]
    others = [line for line in lines if not NANOBINDS.search(line)]
    assert len(lines) > 20 and not others, "\n".join(others) + done.stderr


def test_libraries():
    listed = subprocess.run(["ldd", module_file()], capture_output=True, text=True, check=True).stdout
    names = {line.split()[0] for line in listed.splitlines()}
    assert names - SYSTEM <= {"libsimdjson.so.14"}, listed


def test_no_symbols_but_the_entry():
    listed = subprocess.run(["nm", "-D", "--defined-only", module_file()], capture_output=True, text=True, check=True).stdout
    names = [line.split()[-1] for line in listed.splitlines() if " T " in line]
    assert names == ["PyInit__calque"]


def test_import_is_quick_and_loads_little(package_environment):
    # Time of the processor: other programs of the machine do not count.
    code = "import time, sys; start = time.process_time(); import calque; print(time.process_time() - start, 'numpy' in sys.modules)"
    times = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=package_environment, check=True)
        seconds, has_numpy = done.stdout.split()
        assert has_numpy == "False"
        times.append(float(seconds))
    assert min(times) < 0.1


def test_names():
    for name in ("jit", "transformers", "nn", "optimize", "cat", "no_grad", "set_num_threads", "float32", "LoadError"):
        assert hasattr(calque, name), name
    calque.set_num_threads(calque.get_num_threads())
    with pytest.raises(ValueError):
        calque.set_num_threads(0)
    with pytest.raises(AttributeError, match="module 'calque' has no attribute 'nonsense'"):
        calque.nonsense  # noqa: B018


def test_every_public_name_is_documented():
    import inspect

    from calque import errors, jit, optimizer, transformers

    for module in (calque, errors, jit, optimizer, transformers):
        assert module.__doc__
        for name, value in vars(module).items():
            if name.startswith("_") or not getattr(value, "__module__", "").startswith("calque"):
                continue
            if inspect.isclass(value) or inspect.isfunction(value):
                assert inspect.getdoc(value), f"{module.__name__}.{name}"


@pytest.mark.skipif(not os.environ.get("CALQUE_FULL"), reason="long: CALQUE_FULL=1 builds a wheel and installs it")
def test_wheel_in_an_empty_environment(tmp_path, minilm):
    subprocess.run(["make", "wheel"], cwd=ROOT, check=True, timeout=3000)
    wheel = max((ROOT / "build/wheel").glob("calque-*.whl"), key=lambda path: path.stat().st_mtime)
    assert wheel.stat().st_size <= 15 << 20
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel], check=True, timeout=600)
    listed = subprocess.run([python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True).stdout
    assert {line.split("==")[0].lower() for line in listed.split()} <= {"calque", "numpy", "pip", "setuptools"}
    code = (
        "import sys, pathlib, calque, subprocess; from calque.transformers import AutoModel, AutoTokenizer\n"
        "enc = AutoTokenizer.from_pretrained(sys.argv[1])('Who was Jim Henson ?', return_tensors='np')\n"
        "print(AutoModel.from_pretrained(sys.argv[1])(**enc).last_hidden_state.shape)\n"
        "module = next(pathlib.Path(calque.__file__).parent.glob('_calque*.so'))\n"
        "print(subprocess.run(['ldd', module], capture_output=True, text=True).stdout)\n"
    )
    done = subprocess.run([python, "-c", code, minilm], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.startswith("(1, 7, 384)")
    tools = tmp_path / "tools"
    subprocess.run([sys.executable, "-m", "venv", tools], check=True)
    subprocess.run([tools / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", "auditwheel==6.8.2"], check=True)
    shown = subprocess.run([tools / "bin/auditwheel", "show", wheel], capture_output=True, text=True, check=True).stdout
    assert "manylinux" in shown, shown
    bundled = re.findall(r"^\s*(\S+) => (\S+)", done.stdout, re.MULTILINE)
    assert all(name in SYSTEM or path.startswith(str(tmp_path)) for name, path in bundled), done.stdout
