"""The tool that runs single operators."""

import pytest

from .wire import OpTool


@pytest.fixture(scope="session")
def tool():
    program = OpTool()
    assert program.path.exists(), f"{program.path} is missing: run `make test`, or set CALQUE_OP_TOOL"
    yield program
    program.close()
