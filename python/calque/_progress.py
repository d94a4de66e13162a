"""Progress on standard error: tqdm's bar where tqdm is installed, a line otherwise; nothing when it is not a terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any


def _is_shown() -> bool:
    # tqdm's own switch, read as tqdm reads it.
    return not os.environ.get("TQDM_DISABLE") and sys.stderr is not None and sys.stderr.isatty()


@contextlib.contextmanager
def progress(name: str, total: int) -> Iterator[Callable[[str], None]]:
    """Gives a function that says what begins now. `total` is how many steps there are."""
    if not _is_shown():
        yield lambda step: None
        return
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped]
    except ImportError:
        with _line(name, total) as begin:
            yield begin
        return
    with tqdm(total=total, desc=name, leave=False) as bar:
        with _bar(bar) as begin:
            yield begin


@contextlib.contextmanager
def _bar(bar: Any) -> Iterator[Callable[[str], None]]:
    started = False

    def begin(step: str) -> None:
        nonlocal started
        bar.set_postfix_str(step, refresh=False)
        bar.update(1 if started else 0)
        bar.refresh()
        started = True

    yield begin


@contextlib.contextmanager
def _line(name: str, total: int) -> Iterator[Callable[[str], None]]:
    done = 0

    def begin(step: str) -> None:
        nonlocal done
        sys.stderr.write(f"\r\x1b[K{name}: {done}/{total} {step}")
        sys.stderr.flush()
        done += 1

    try:
        yield begin
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
