"""Limits: 400 lines per file, 49 lines per function.

Docstrings do not count. Nested functions count separately.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_FILE = 400
MAX_FUNCTION = 49
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
ROOT = Path(__file__).parents[2]
FOLDERS = (
    "holdfast",
    "workflows",
    "activities",
    "workers",
    "client",
    "temporal",
    "deploy",
    "tests",
    "examples",
    "benchmarks",
)


def too_long(root: Path) -> Iterator[str]:
    """List the files and functions under ``root`` that are too long."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            source = path.read_text("utf-8")
            where = path.relative_to(root)
            lines = source.count("\n")
            if lines > MAX_FILE:
                yield f"{where}: {lines} lines; split it, {MAX_FILE} at most"
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, FUNCTION):
                    length = _own_lines(node)
                    if length > MAX_FUNCTION:
                        yield (
                            f"{where}:{node.lineno}: {node.name} has {length} lines; {MAX_FUNCTION} at most"
                        )


def _own_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = function.body[:1] if ast.get_docstring(function) else []
    inner = [node for node in function.body if isinstance(node, FUNCTION)]
    return _lines(function) - sum(_lines(node) for node in (*docstring, *inner))


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


if __name__ == "__main__":
    complaints = list(too_long(ROOT))
    sys.stdout.write("".join(f"{line}\n" for line in complaints) or "Lengths: all files and functions fit.\n")
    sys.exit(bool(complaints))
