"""The examples of docs/python.md and README.md run as they stand."""

import doctest
import pathlib
import re

import pytest

calque = pytest.importorskip("calque", reason="the Python package is not built: run python/build.sh")

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_examples_of_the_manual(minilm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "\n".join(re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/python.md").read_text(), re.MULTILINE | re.DOTALL))
    assert text.count(">>>") > 30
    test = doctest.DocTestParser().get_doctest(text, {"checkpoint": str(minilm)}, "docs/python.md", "docs/python.md", 0)
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert runner.run(test).failed == 0


def test_programs_of_the_readme(request, minilm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/minilm").symlink_to(minilm)
    # What `make demo` leaves behind.
    request.getfixturevalue("calque")("export", minilm, "-o", tmp_path / "demo/all-MiniLM-L6-v2.pt")
    programs = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert programs
    for program in programs:
        exec(compile(program, "README.md", "exec"), {"__name__": "__main__"})
