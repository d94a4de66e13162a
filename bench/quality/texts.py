"""Real sentences with a topic each, from what is installed on the machine: the topic is the package, the manual or the module
that the sentence stands in. Nothing is downloaded."""

import ast
import collections
import gzip
import pathlib
import random
import re
import sysconfig

SENTENCE = re.compile(r"[A-Z][^.!?\n]*(?:\n[^.!?\n]+)*[.!?](?=\s)")
TEXT_SUFFIXES = {"", ".txt", ".gz", ".md", ".rst"}
MOST_BYTES = 300_000
TOPICS = 20


def sentences_of(text: str) -> list[str]:
    """Sentences of 6 to 60 words that are mostly words."""
    found = []
    for match in SENTENCE.finditer(text):
        sentence = " ".join(match[0].split())
        letters = sum(c.isalpha() or c == " " for c in sentence)
        if 6 <= len(sentence.split()) <= 60 and letters > 0.85 * len(sentence):
            found.append(sentence)
    return found


def read(path: pathlib.Path) -> str:
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return data[:MOST_BYTES].decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError, gzip.BadGzipFile):
        return ""


def docstrings(path: pathlib.Path) -> str:
    try:
        tree = ast.parse(read(path))
    except (SyntaxError, ValueError):
        return ""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return "\n\n".join(ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, documented)) + "\n"


def files_by_topic() -> dict[str, list[pathlib.Path]]:
    """Debian's documentation by package, Perl's manual by page, Python's library and the packages beside it by name."""
    topics = collections.defaultdict(list)
    documentation = pathlib.Path("/usr/share/doc")
    for path in documentation.rglob("*") if documentation.is_dir() else ():
        if path.suffix in TEXT_SUFFIXES and "changelog" not in path.name.lower() and path.is_file() and not path.is_symlink():
            topics[f"doc:{path.relative_to(documentation).parts[0]}"].append(path)
    for path in pathlib.Path("/usr/share/perl").rglob("*.pod"):
        topics[f"perl:{path.stem}"].append(path)
    library, packages = (pathlib.Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib"))
    # The environment sees another one through a .pth file, where the larger packages are.
    folders = [library, packages, *(pathlib.Path(file.read_text().strip()) for file in packages.glob("tests.pth"))]
    for folder in folders:
        for entry in folder.iterdir():
            if entry.name in ("site-packages", "test", "__pycache__"):
                continue
            if entry.is_dir():
                topics[f"python:{entry.name}"] += entry.rglob("*.py")
            elif entry.suffix == ".py":
                topics[f"python:{entry.stem}"].append(entry)
    return topics


def by_topic(most: int) -> dict[str, list[str]]:
    """Sentences of each topic, no sentence twice: all of its first files until there are more than `most`."""
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for topic, paths in sorted(files_by_topic().items()):
        fresh: dict[str, None] = {}
        for path in sorted(paths):
            if len(fresh) > most:
                break
            for sentence in sentences_of(docstrings(path) if path.suffix == ".py" else read(path)):
                if sentence not in seen:
                    fresh[sentence] = None
        seen |= fresh.keys()
        found[topic] = list(fresh)
    return found


def largest(found: dict[str, list[str]]) -> list[str]:
    """The TOPICS topics with most sentences."""
    return sorted(found, key=lambda topic: (-len(found[topic]), topic))[:TOPICS]


def collect(found: dict[str, list[str]], topics: list[str], count: int, seed: int = 0) -> list[tuple[str, str]]:
    """`count` sentences and their topics, as evenly as the topics allow, in random order."""
    generator = random.Random(seed)
    shuffled = {topic: list(found[topic]) for topic in topics}
    for sentences in shuffled.values():
        generator.shuffle(sentences)
    chosen: list[tuple[str, str]] = []
    for place in range(max(map(len, shuffled.values()), default=0)):
        chosen += [(shuffled[topic][place], topic) for topic in topics if place < len(shuffled[topic])]
        if len(chosen) >= count:
            break
    chosen = chosen[:count]
    generator.shuffle(chosen)
    return chosen
