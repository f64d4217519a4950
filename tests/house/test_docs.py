"""The documents agree with the code, and their links work."""

import dataclasses
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from holdfast import Agent, StreamEvent, ToolContext, tool
from holdfast_client.stream.events import KINDS
from holdfast_workers.settings import Settings

from .error_table import PAGE, table
from .lengths import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
VARIABLE = re.compile(r"HOLDFAST_[A-Z0-9_]*[A-Z0-9]")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def test_every_error_is_in_the_table_with_its_message() -> None:
    assert table() in PAGE.read_text("utf-8"), "run `make format`"


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    rooms = ("holdfast", "workflows", "activities", "workers", "client", "temporal")
    code = "".join(path.read_text("utf-8") for room in rooms for path in (ROOT / room).rglob("*.py"))
    known = {f"HOLDFAST_{name.upper()}" for name in Settings.model_fields} | set(VARIABLE.findall(code))
    page = (ROOT / "docs/configuration.md").read_text("utf-8")
    assert set(VARIABLE.findall(page)) == known


def test_every_command_is_documented_and_every_documented_one_is_there() -> None:
    listed = subprocess.run(
        [Path(sys.executable).with_name("holdfast"), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    commands = set(re.findall(r"^  ([a-z0-9-]+)  ", listed.partition("Commands:")[2], re.MULTILINE))
    page = (ROOT / "docs/cli.md").read_text("utf-8")
    assert set(re.findall(r"`holdfast ([a-z][a-z0-9-]*)", page)) == commands


def test_every_option_of_agents_and_tools_is_in_the_guide() -> None:
    page = (ROOT / "docs/guide.md").read_text("utf-8")
    options = {*inspect.signature(Agent).parameters, *inspect.signature(tool).parameters} - {"function"}
    context = {each.name for each in dataclasses.fields(ToolContext) if not each.name.startswith("_")}
    assert {each for each in options | context if not re.search(rf"`{each}\b", page)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").read_text("utf-8").count("\n") < 170


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            waiting += [(page.parent / link).resolve() for link in LINK.findall(page.read_text("utf-8"))]
    assert {page.relative_to(ROOT) for page in PAGES} - {p.relative_to(ROOT) for p in seen} == set()


def test_every_event_is_in_the_events_page_with_its_fields_and_an_example() -> None:
    page = (ROOT / "docs/events.md").read_text("utf-8")
    rows = {row.split("`")[1]: row for row in page.splitlines() if row.startswith("| `")}
    lines = page.rpartition("```json\n")[2].partition("```")[0].splitlines()
    examples = {json.loads(line)["kind"]: line for line in lines}
    reader: TypeAdapter[StreamEvent] = TypeAdapter(StreamEvent)
    for kind in KINDS:
        name = kind.model_fields["kind"].default
        assert f"`{kind.__name__}`" in rows[name]
        for field in kind.model_fields.keys() - {"id", "kind", "turn", "step"}:
            assert f"`{field}" in rows[name], (name, field)
        event = reader.validate_json(examples[name])
        assert type(event) is kind
        assert json.loads(event.model_dump_json()) == json.loads(examples[name])
    assert len(rows) == len(examples) == len(KINDS)
