"""The documents are true where a machine can tell."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def sources(*folders, suffixes=(".cc", ".h", ".py", ".sh")):
    return [p for folder in folders for p in (ROOT / folder).rglob("*") if p.suffix in suffixes and p.is_file()]


def test_every_variable_is_documented():
    documented = set(re.findall(r"`(CALQUE_[A-Z_]+)`", (ROOT / "docs/environment.md").read_text()))
    read = set()
    for path in sources("src", "apps", "tests", "tools", "bench"):
        text = path.read_text()
        read |= set(re.findall(r'getenv\("(CALQUE_[A-Z_]+)"\)', text))
        read |= set(re.findall(r'environ(?:\.get\(|\[)"(CALQUE_[A-Z_]+)"', text))
    missing = read - documented
    assert not missing, f"docs/environment.md does not name {sorted(missing)}"


def test_glossary_has_forty_words_in_order():
    words = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)[2:]
    assert len(words) == 40
    assert words == sorted(words, key=str.lower)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_exist(document):
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"`make ([a-z0-9-]+)`|^make ([a-z0-9-]+)$", document.read_text(), re.MULTILINE):
        name = "".join(target)
        assert name in targets, f"{document.name}: make {name}"
