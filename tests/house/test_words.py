"""The documents are in plain technical English, without words that the project has dropped."""

import re
from pathlib import Path

import pytest

from .error_table import HEAD
from .lengths import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DROPPED = re.compile(
    r"\b(whoever|nobody|somebody|anew|meanwhile|(is|are) told|sa(ys|id) so|there (is|are) none|who pages"
    r"|is no model|its own tongue|by itself|by themselves|purse|riders?|last resorts?|pulse|park(s|ed|ing)?"
    r"|patience|bursts?|watched|roll(s|ed)?[ -]over|beside)\b",
    re.IGNORECASE,
)


def dropped(text: str) -> list[str]:
    """The dropped words in a page's prose: without code, links and the table of errors."""
    before, table, rest = text.partition(HEAD)
    prose = before + (rest.partition("\n\n")[2] if table else "")
    prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", prose, flags=re.DOTALL)
    return [match[0] for match in DROPPED.finditer(prose)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_no_dropped_word(page: Path) -> None:
    assert dropped(page.read_text("utf-8")) == []


def test_a_dropped_word_is_found_in_prose_and_not_in_code() -> None:
    assert dropped("Whoever waits is told; see `burst` and [a page](bursts.md).") == ["Whoever", "is told"]
