"""Check tests/promises.toml in both directions: each promise names tests, each test file has a promise."""

import ast
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from .lengths import ROOT

Promises = Mapping[str, Mapping[str, Any]]


def complaints(promises: Promises, root: Path) -> Iterator[str]:
    """List what is wrong between the promises and the test files under ``root``."""
    named: set[str] = set()
    for id, entry in promises.items():
        tests = entry.get("tests", [])
        fast = False
        if (entry["status"] == "planned") == bool(tests):
            yield f"{id} is {entry['status']} and names {len(tests)} tests"
        if (entry["status"] == "partly") != ("missing" in entry):
            yield f"{id} is {entry['status']}: `missing` goes with partly, and only with it"
        for test in tests:
            file, _, function = test.partition("::")
            files = sorted((root / file).rglob("test_*.py")) if file.endswith("/") else [root / file]
            named.update(path.relative_to(root).as_posix() for path in files)
            if not files or not all(path.is_file() for path in files):
                yield f"{id} names {file}, which is not there"
            elif function and function not in _functions(root / file):
                yield f"{id} names {test}, which is not there"
            else:
                fast = fast or any(_has_fast_test(path, function) for path in files)
        if tests and fast == entry.get("slow", False):
            yield f"{id} has {'a fast test' if fast else 'slow tests only'}: `slow` is for slow tests only"
    for path in sorted((root / "tests").rglob("test_*.py")):
        if path.relative_to(root).as_posix() not in named:
            yield f"{path.relative_to(root).as_posix()} is named by no promise"


@cache
def _functions(path: Path) -> dict[str, bool]:
    """Map the functions of a file to whether they are marked slow as a whole."""
    tree = ast.parse(path.read_text("utf-8"))
    return {
        node.name: "pytest.mark.slow" in map(ast.unparse, node.decorator_list)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _has_fast_test(path: Path, function: str) -> bool:
    # A file may also have its tests in a class that Hypothesis makes; then it has no test functions.
    functions = _functions(path)
    tests = [function] if function else [name for name in functions if name.startswith("test_")]
    return not tests or not all(functions[name] for name in tests)


def test_the_promises_and_the_tests_name_each_other() -> None:
    promises = tomllib.loads((ROOT / "tests/promises.toml").read_text("utf-8"))
    found = list(complaints(promises, ROOT))
    assert not found, "\n".join(found)


def test_every_promise_is_one_sentence_with_a_known_status() -> None:
    promises = tomllib.loads((ROOT / "tests/promises.toml").read_text("utf-8"))
    for id, entry in promises.items():
        assert entry["promise"].endswith("."), id
        assert entry["status"] in {"kept", "partly", "planned"}, id


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"status": "kept"}, "X1 is kept and names 0 tests"),
        ({"status": "planned", "tests": ["tests/test_a.py"]}, "X1 is planned and names 1 tests"),
        (
            {"status": "partly", "tests": ["tests/test_a.py"]},
            "X1 is partly: `missing` goes with partly, and only with it",
        ),
        ({"status": "kept", "tests": ["tests/test_b.py"]}, "X1 names tests/test_b.py, which is not there"),
        (
            {"status": "kept", "tests": ["tests/test_a.py::test_gone"]},
            "X1 names tests/test_a.py::test_gone, which is not there",
        ),
        ({"status": "kept", "tests": ["tests/b/"]}, "X1 names tests/b/, which is not there"),
        ({"status": "planned"}, "tests/test_a.py is named by no promise"),
        (
            {"status": "kept", "tests": ["tests/test_slow.py"]},
            "X1 has slow tests only: `slow` is for slow tests only",
        ),
        (
            {"status": "kept", "tests": ["tests/test_a.py"], "slow": True},
            "X1 has a fast test: `slow` is for slow tests only",
        ),
    ],
)
def test_a_gap_in_either_direction_is_found(tmp_path: Path, entry: dict[str, Any], complaint: str) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_a.py").write_text("def test_a() -> None: ...\n", "utf-8")
    (tmp_path / "tests/test_slow.py").write_text("@pytest.mark.slow\ndef test_b(): ...\n", "utf-8")
    assert complaint in set(complaints({"X1": entry}, tmp_path))


def test_a_folder_stands_for_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "tests/a").mkdir(parents=True)
    (tmp_path / "tests/a/test_a.py").write_text("def test_a() -> None: ...\n", "utf-8")
    assert list(complaints({"X1": {"status": "kept", "tests": ["tests/a/"]}}, tmp_path)) == []
