"""Every row of the error table is produced by a test: a full run ends with those that none produced.

An error counts if the project's own code made it while a test ran. What a test makes itself
does not count, nor what is only read back, by its code in the error tree, from a failure or
a view: so a loop over the tree produces nothing. Tools of tests stand for users' tools, so what these raise counts.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from holdfast_workflows.contracts import errors
from holdfast_workflows.contracts.errors import HoldfastError, tree

from .lengths import ROOT

FAMILIES = frozenset({"holdfast", "model", "model_stopped"})
"""What is caught but never raised itself: each is produced with any of its members."""

TOOLS_RAISE = frozenset({"tool_error"})
"""What users' tools raise."""

FAST = "not slow"
"""The mark expression of `make test`. The fast tests alone must produce every error."""

_ROOMS = tuple(
    f"{ROOT / room}/" for room in ("holdfast", "workflows", "activities", "workers", "client", "temporal")
)
_ERRORS = str(Path(errors.__file__).parent)
_KEY = "produced"

_watchers: list[set[str]] = []
_init = HoldfastError.__init__


def _observed(self: HoldfastError, *args: Any, **options: Any) -> None:
    _init(self, *args, **options)
    code = type(self).code
    if _watchers and (code in TOOLS_RAISE or _made_by_the_project(sys._getframe(1))):
        for codes in _watchers:
            codes.add(code)


def _made_by_the_project(frame: FrameType | None) -> bool:
    # A subclass may have an ``__init__`` of its own.
    while frame is not None and frame.f_code.co_name == "__init__" and _place(frame).startswith(_ERRORS):
        frame = frame.f_back
    if frame is None or _place(frame).startswith(_ERRORS) or "tree" in frame.f_code.co_names:
        return False
    return _place(frame).startswith(_ROOMS)


def _place(frame: FrameType) -> str:
    return frame.f_code.co_filename


@contextmanager
def watching(codes: set[str]) -> Generator[None]:
    """Note in ``codes`` what is produced meanwhile, in every thread of this process."""
    _watchers.append(codes)
    try:
        yield
    finally:
        _watchers.remove(codes)


def complaints(produced: Collection[str]) -> list[str]:
    """What does not hold when these codes were produced."""
    ours = {code: cls for code, cls in tree().items() if cls.__module__.startswith(errors.__name__)}
    found = [f"no test produces {code}" for code in sorted(ours.keys() - FAMILIES - set(produced))]
    found += [f"{code} is raised itself, so it is no family" for code in sorted(FAMILIES & set(produced))]
    for family in sorted(FAMILIES):
        members = {code for code, cls in ours.items() if issubclass(cls, ours[family])}
        if not members & set(produced):
            found.append(f"no test produces any error of the family {family}")
    return found


class Produced:
    """Watches the tests of one process; where xdist has several, the one that started them judges."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._codes = set[str]()
        self._complaints = list[str]()
        HoldfastError.__init__ = _observed  # type: ignore[method-assign]  # the one place where errors are made

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        if item.path.is_relative_to(ROOT / "tests/house"):
            return (yield)
        with watching(self._codes):
            return (yield)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._codes.update(getattr(node, "workeroutput", {}).get(_KEY, ()))

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        output: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_KEY] = sorted(self._codes)
        elif exitstatus == pytest.ExitCode.OK and _is_whole_run(self._config):
            self._complaints = complaints(self._codes)
            if self._complaints:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._complaints:
            terminalreporter.section("docs/errors.md has rows that no test produces", red=True)
            for complaint in self._complaints:
                terminalreporter.write_line(complaint)


def _is_whole_run(config: pytest.Config) -> bool:
    """Return whether the options select all tests, or all but the slow ones."""
    selecting = ("keyword", "deselect", "ignore", "ignore_glob", "collectonly", "lf")
    selected = any(config.getoption(name, None) for name in selecting)
    marks = config.getoption("markexpr", "") in ("", FAST)
    return config.args_source is config.ArgsSource.TESTPATHS and marks and not selected
