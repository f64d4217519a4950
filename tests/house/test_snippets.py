"""The Python blocks of the pages for users type-check against the code."""

import subprocess
import sys
import textwrap
from pathlib import Path

from .lengths import ROOT
from .test_readme import FIRST_AGENT, python_blocks

PAGES = sorted(
    page
    for page in ("README.md", *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md")))
    if python_blocks(page) and page != "docs/histories.md"  # its block is the middle of a function
)
GIVEN = (
    "agent: Agent, bank: Any, client: Client, session: Session, find_order: Tool[..., str], query: Tool[..., str],"
    " script: Callable[[Request], Reply]"
)
"""What the pages take as given, and do not define."""
HEAD = """\
from collections.abc import Callable
from pathlib import Path
from typing import Any

from holdfast import Agent, Approvals, Client, Session, Tool
from holdfast.testing import Reply, Request

"""


def nested(blocks: list[str]) -> str:
    """Each block as a function within the block before: it sees what that one defined, and may redefine it."""
    body = ""
    for block in reversed(blocks):
        function = f"async def block() -> None:\n{textwrap.indent(block + body, '    ')}\n"
        body = f"def given({GIVEN}) -> None:\n{textwrap.indent(function, '    ')}\n"
    return HEAD + body


def complaints(folder: Path, pages: dict[str, list[str]]) -> str:
    """What mypy finds in the blocks of the pages."""
    (folder / "weather.py").write_text(FIRST_AGENT, "utf-8")
    for page, blocks in pages.items():
        name = page.replace("/", "_").replace(".md", "_page.py")
        (folder / name).write_text(nested(blocks), "utf-8")
    options = ["--no-warn-return-any", "--disable-error-code=empty-body", "--no-warn-unreachable"]
    result = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *sorted(folder.glob("*.py"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return "" if result.returncode == 0 else result.stdout + result.stderr


def test_the_python_blocks_of_the_pages_type_check(tmp_path: Path) -> None:
    assert complaints(tmp_path, {page: python_blocks(page) for page in PAGES}) == ""


def test_blocks_that_disagree_with_the_code_are_found(tmp_path: Path) -> None:
    wrong = {
        "from holdfast import Agnet\n": 'has no attribute "Agnet"',
        'await session.send("Hi", when_bussy="queue")\n': "when_bussy",
        "async for event in session.stream():\n    print(event.txt)\n": '"txt"',
    }
    found = complaints(tmp_path, {"page.md": list(wrong)})
    assert [complaint for complaint in wrong.values() if complaint not in found] == []
