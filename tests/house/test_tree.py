"""The tree on the architecture page lists the folders that exist."""

import re

from .lengths import ROOT

ROOMS = ("holdfast", "workflows", "activities", "workers", "client", "temporal")
PAGE = ROOT / "docs/architecture.md"


def existing() -> set[str]:
    """The folders of the product that hold Python files."""
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return {path.parent.relative_to(ROOT).as_posix() for path in files}


def listed(page: str) -> list[tuple[str, str]]:
    """The folders in the page's tree, each with its subject; two spaces of indentation per level."""
    tree = re.search(r"^## Tree\n.*?^```\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert tree, "docs/architecture.md has no section `## Tree` with a code block"
    parents: list[str] = []
    found: list[tuple[str, str]] = []
    for line in tree[1].splitlines():
        name, _, subject = line.strip().partition(" ")
        depth = (len(line) - len(line.lstrip())) // 2
        parents = [*parents[:depth], name.strip("/")]
        found.append(("/".join(parents), subject.strip()))
    return found


def test_the_tree_lists_every_folder_with_python_files_and_no_other() -> None:
    folders = [folder for folder, _ in listed(PAGE.read_text("utf-8"))]
    assert {"missing": existing() - set(folders), "gone": set(folders) - existing()} == {
        "missing": set(),
        "gone": set(),
    }, "correct the tree in docs/architecture.md"
    assert len(folders) == len(set(folders))


def test_every_folder_in_the_tree_has_a_subject() -> None:
    assert [folder for folder, subject in listed(PAGE.read_text("utf-8")) if not subject] == []


def test_a_line_left_out_and_a_line_too_many_are_noticed() -> None:
    page = PAGE.read_text("utf-8")
    line = next(line for line in page.splitlines() if line.startswith("    tool_call/"))
    without = {folder for folder, _ in listed(page.replace(line + "\n", ""))}
    assert existing() - without == {"activities/holdfast_activities/session/tool_call"}
    more = {folder for folder, _ in listed(page.replace(line, f"{line}\n    approvals/  people who approve"))}
    assert more - existing() == {"activities/holdfast_activities/session/approvals"}
