"""Files and functions keep to the limits, and the check reports violations."""

from pathlib import Path

from .lengths import MAX_FILE, MAX_FUNCTION, ROOT, too_long


def write(root: Path, source: str) -> None:
    (root / "tests").mkdir()
    (root / "tests/sample.py").write_text(source, "utf-8")


def test_every_file_and_function_of_the_project_fits() -> None:
    found = list(too_long(ROOT))
    assert not found, "\n".join(found)


def test_a_file_one_line_too_long_is_named(tmp_path: Path) -> None:
    write(tmp_path, "x = 1\n" * (MAX_FILE + 1))
    assert list(too_long(tmp_path)) == ["tests/sample.py: 401 lines; split it, 400 at most"]


def test_a_function_one_line_too_long_is_named(tmp_path: Path) -> None:
    write(tmp_path, "def long() -> None:\n" + "    x = 1\n" * MAX_FUNCTION)
    assert list(too_long(tmp_path)) == ["tests/sample.py:1: long has 50 lines; 49 at most"]


def test_a_docstring_does_not_count(tmp_path: Path) -> None:
    write(tmp_path, 'def long() -> None:\n    """Do it.' + "\n" * 60 + '    """\n    x = 1\n')
    assert list(too_long(tmp_path)) == []


def test_a_function_within_a_function_counts_by_itself(tmp_path: Path) -> None:
    inner = "    def inner() -> None:\n" + "        x = 1\n" * 40
    write(tmp_path, "def outer() -> None:\n" + inner * 2 + "    x = 1\n")
    assert list(too_long(tmp_path)) == []


def test_the_longest_that_is_allowed_passes(tmp_path: Path) -> None:
    function = "def long() -> None:\n" + "    x = 1\n" * (MAX_FUNCTION - 1)
    write(tmp_path, function + "x = 1\n" * (MAX_FILE - MAX_FUNCTION))
    assert list(too_long(tmp_path)) == []
