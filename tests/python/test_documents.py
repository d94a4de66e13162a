"""The examples of docs/python, of README.md and of examples/python run as they stand."""

import doctest
import os
import pathlib
import re
import subprocess
import sys

import pytest

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs/python").glob("*.md"))
EXAMPLES = sorted((ROOT / "examples/python").glob("*.py"))


def blocks(path: pathlib.Path, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def test_the_overview_names_every_page():
    assert len(PAGES) >= 10
    text = (ROOT / "docs/python.md").read_text()
    for page in PAGES:
        assert f"(python/{page.name})" in text, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages(page, minilm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for source in blocks(page, "py"):
        (tmp_path / "pooling.py").write_text(source)
    text = "\n".join(blocks(page, "python"))
    assert text.count(">>>") >= 5
    test = doctest.DocTestParser().get_doctest(text, {"checkpoint": str(minilm)}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert runner.run(test).failed == 0


def test_programs_of_the_readme(request, minilm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/minilm").symlink_to(minilm)
    # What `make demo` leaves behind.
    request.getfixturevalue("calque")("export", minilm, "-o", tmp_path / "demo/all-MiniLM-L6-v2.pt")
    programs = blocks(ROOT / "README.md", "python")
    assert programs
    for program in programs:
        exec(compile(program, "README.md", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_examples(example, minilm, tmp_path, package_environment):
    assert example.read_text().count("# %%") >= 4
    environment = package_environment | {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, example, minilm], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() and "Error" not in done.stderr, os.linesep.join((done.stdout, done.stderr))
