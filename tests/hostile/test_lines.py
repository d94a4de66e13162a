"""Every line of the list of bugs that loaders of this kind have had, as far as it concerns what is here, has a test of its name."""

import pathlib
import re

LINES = ["zip_1", "zip_2", "zip_3", "zip_4", "zip_5", "pkl_1", "pkl_2", "pkl_3", "pkl_4", "pkl_5", "pkl_6", "pkl_7", "code_1", "code_2", "code_3",
         "code_4", "code_5", "st_1", "path", "tok_1", "tok_3", "tok_5", "gguf", "cfg", "old"]  # fmt: skip


def test_each_line_has_a_test():
    text = "".join(path.read_text() for path in pathlib.Path(__file__).parent.glob("test_*.py"))
    names = re.findall(r"^def test_(\w+)", text, re.MULTILINE)
    missing = [line for line in LINES if not any(name.startswith(line + "_") for name in names)]
    assert missing == []
