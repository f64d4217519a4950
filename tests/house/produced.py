"""Check that tests produce every row of the error table, and report the missing ones after a whole run.

An error counts if product code created it during a test. Errors that a test creates, or that
are only decoded from a failure or a view, do not count: a loop over the error tree produces
nothing. Errors raised by the tests' tools count, since these stand for users' tools.
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

FAMILIES = frozenset({"encryption", "model", "model_stopped"})
"""Base classes that are never raised: each is produced with any of its members."""

ROOT_CODE = "holdfast"
"""The root of the tree. The client raises it for a failure of no known class, which no test has to produce."""

TOOLS_RAISE = frozenset({"tool_error"})
"""Errors that users' tools raise."""

FAST = "not slow"
"""The mark expression of `make test`. The fast tests alone must produce every error, also in a run of all tests."""

_ROOMS = tuple(
    f"{ROOT / room}/" for room in ("holdfast", "workflows", "activities", "workers", "client", "temporal")
)
_COMPREHENSIONS = frozenset({"<dictcomp>", "<genexpr>", "<listcomp>", "<setcomp>"})
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
    # Before Python 3.12 a comprehension has a frame of its own.
    while frame is not None and frame.f_code.co_name in _COMPREHENSIONS:
        frame = frame.f_back
    if frame is None or _place(frame).startswith(_ERRORS) or "tree" in frame.f_code.co_names:
        return False
    return _place(frame).startswith(_ROOMS)


def _place(frame: FrameType) -> str:
    return frame.f_code.co_filename


@contextmanager
def watching(codes: set[str]) -> Generator[None]:
    """Record in ``codes`` the errors produced during the block, in all threads."""
    _watchers.append(codes)
    try:
        yield
    finally:
        # By identity: sets with the same codes are equal.
        _watchers[:] = [each for each in _watchers if each is not codes]


def complaints(produced: Collection[str]) -> list[str]:
    """List the codes that are missing or should not be among the produced ones."""
    ours = {code: cls for code, cls in tree().items() if cls.__module__ == "holdfast"}
    found = [
        f"no test produces {code}" for code in sorted(ours.keys() - FAMILIES - {ROOT_CODE} - set(produced))
    ]
    found += [f"{code} is raised itself, so it is no family" for code in sorted(FAMILIES & set(produced))]
    for family in sorted(FAMILIES):
        members = {code for code, cls in ours.items() if issubclass(cls, ours[family])}
        if not members & set(produced):
            found.append(f"no test produces any error of the family {family}")
    return found


class Produced:
    """Pytest plugin that records the errors of one process; under xdist the controller collects and judges."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._codes = set[str]()
        self._complaints = list[str]()
        HoldfastError.__init__ = _observed  # type: ignore[method-assign]  # the one place where errors are made

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        if item.path.is_relative_to(ROOT / "tests/house") or item.get_closest_marker("slow"):
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
