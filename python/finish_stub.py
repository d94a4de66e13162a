"""Makes the generated stub one that type checkers read: the class Tensor has members called int, float, bool, dtype and
device, as PyTorch's has, which hide the types of these names."""

import pathlib
import re
import sys

HEADER = "import builtins\nfrom collections.abc import Iterator, Sequence\nimport enum\nfrom typing import Any, TypeAlias, overload\n"
ANNOTATION = re.compile(r"(?<=[:>\[|,] )\b(int|float|bool)\b|(?<=\[)\b(int|float|bool)\b")


def finish(text: str) -> str:
    body = re.sub(r"^(?:from \S+ import .*|import .*)\n", "", text, flags=re.MULTILINE).lstrip()
    body = re.sub(r"(\bdtype: |-> )dtype\b", r"\1_dtype", body)
    before, start, rest = body.partition("class Tensor:\n")
    inside, end, after = rest.partition("\ndef tensor(")
    inside = ANNOTATION.sub(lambda match: "builtins." + match[0], inside)
    inside = inside.replace("def device(self) -> device", "def device(self) -> _device")
    inside = re.sub(r"(def __(?:eq|ne)__.*\.\.\.)", r"\1  # type: ignore[override]", inside)
    aliases = "_dtype: TypeAlias = dtype\n_device: TypeAlias = device\n\n\n"
    return f"{HEADER}\n\n{before}{aliases}{start}{inside}{end}{after}"


if __name__ == "__main__":
    source, target = map(pathlib.Path, sys.argv[1:])
    target.write_text(finish(source.read_text()))
