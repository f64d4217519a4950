"""Each alert has a runbook page, and each page an alert."""

import re
import shlex

from holdfast_workflows.contracts.errors import HoldfastError

from ...house.lengths import ROOT
from ..test_commands import parse
from .rule_tests import alerts

RUNBOOKS = ROOT / "docs/runbooks"
PAGES = {path.stem: path.read_text("utf-8") for path in RUNBOOKS.glob("Holdfast*.md")}


def _codes(cls: type[HoldfastError]) -> set[str]:
    return {cls.code, *(code for child in cls.__subclasses__() for code in _codes(child))}


CODES = _codes(HoldfastError)
SECTIONS = ["Meaning", "Find the cause", "Mend it"]


def test_every_alert_links_to_its_page_and_every_page_has_an_alert() -> None:
    links = {name: rule["annotations"]["runbook_url"] for name, rule in alerts().items()}
    assert links == {name: f"{{{{ $externalLabels.runbooks }}}}/{name}.md" for name in PAGES}


def test_every_page_has_the_same_sections() -> None:
    assert {
        name: re.findall(r"^## (.+)$", page, re.MULTILINE) for name, page in PAGES.items()
    } == dict.fromkeys(PAGES, SECTIONS)


def test_every_page_states_the_severity_of_its_alert() -> None:
    wrong = [
        name
        for name, rule in alerts().items()
        if f"Severity: {rule['labels']['severity']}." not in PAGES[name]
    ]
    assert wrong == []


def test_every_error_code_in_a_table_exists() -> None:
    wrong = {
        (name, code)
        for name, page in PAGES.items()
        for table in re.findall(r"^\| (?:code|outcome) \|.*?\n\n", page + "\n", re.MULTILINE | re.DOTALL)
        for row in table.strip().splitlines()
        for code in re.findall(r"`(\w+)`", row.split("|")[1])
        if code not in CODES
    }
    assert wrong == set()


def test_a_wrong_error_code_is_found() -> None:
    assert "model_rejected" in CODES
    assert "model_permanent" not in CODES


def commands(text: str) -> list[list[str]]:
    """The commands of ``holdfast`` in a text, with an example for each placeholder that is checked."""
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda label: label[1].upper(), text).replace(
        "KIND", "approval"
    )
    return [shlex.split(found) for found in sorted({*re.findall(r"`holdfast ([^`]*)`", text)})]


def test_every_command_in_a_runbook_or_a_message_exists_with_its_options() -> None:
    actions = [
        f"`{action}`"
        for rule in alerts().values()
        for action in rule["annotations"]["action"].split(", then ")
    ]
    assert parse(*commands("\n".join([*PAGES.values(), *actions]))) == []


def test_a_wrong_command_is_found() -> None:
    found = commands(
        "`holdfast memory maintain`, `holdfast patterns --since 1h`, `holdfast inbox --kind KIND`"
    )
    assert len(parse(*found)) == 2
