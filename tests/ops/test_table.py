"""docs/operators.md is what tools/operator_table.py writes; CALQUE_ACCEPT=1 rewrites it."""

import os
import subprocess
import sys

from .wire import ROOT, OpTool


def test_page_is_up_to_date():
    command = [sys.executable, str(ROOT / "tools/operator_table.py")]
    environment = {**os.environ, "CALQUE_OP_TOOL": str(OpTool().path)}
    if os.environ.get("CALQUE_ACCEPT") == "1":
        subprocess.run(command, env=environment, check=True, timeout=300)
    done = subprocess.run([*command, "--check"], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"docs/operators.md is out of date: CALQUE_ACCEPT=1 pytest tests/ops/test_table.py writes it\n{done.stderr}"
