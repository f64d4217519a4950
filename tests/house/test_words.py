"""Documents and product code are in plain technical English, without words that the project has dropped."""

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

from .error_table import HEAD
from .lengths import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
ROOMS = ("holdfast", "workflows", "activities", "workers", "client", "temporal", "benchmarks")
DROPPED = re.compile(
    r"\b(whoever|nobody|somebody|anew|meanwhile|(is|are|was|were) told|sa(ys|id) so|there (is|are|was|were) none"
    r"|who pages|(?<!there )(is|are) no (agent|app|function|json|list|model|name|number|text|tool|url)"
    r"|its own tongue|by itself|by themselves|purse|riders?|last resorts?|pulse|park(s|ed|ing)?|patience|bursts?"
    r"|watched|roll(s|ed)?[ -]over|beside)\b",
    re.IGNORECASE,
)
NAMES = re.compile(
    r"(?<![a-z])(whoever|nobody|somebody|anew|meanwhile|purse|riders?|resorts?|parked|parking|patience|bursts?"
    r"|beside|shop|monkeys?)(?![a-z])",
    re.IGNORECASE,
)


def dropped(text: str) -> list[str]:
    """The dropped words in a text, without code and links."""
    prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", text, flags=re.DOTALL)
    return [match[0] for match in DROPPED.finditer(prose)]


def dropped_in_code(source: str) -> list[str]:
    """The dropped words in comments, texts and names. A pattern (with ``\\b``) is not a text."""
    found: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            found += dropped(token.string)
        elif token.type == tokenize.NAME:
            found += [match[0] for match in NAMES.finditer(token.string)]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and r"\b" not in node.value:
            found += dropped(node.value)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_no_dropped_word(page: Path) -> None:
    before, table, rest = page.read_text("utf-8").partition(HEAD)  # the error table is tested with the code
    assert dropped(before + (rest.partition("\n\n")[2] if table else "")) == []


@pytest.mark.parametrize("room", ROOMS)
def test_product_code_has_no_dropped_word(room: str) -> None:
    found = {
        str(path.relative_to(ROOT)): words
        for path in sorted((ROOT / room).rglob("*.py"))
        if (words := dropped_in_code(path.read_text("utf-8")))
    }
    assert found == {}


def test_a_dropped_word_is_found_in_prose_and_not_in_code() -> None:
    assert dropped("Whoever waits is told; see `burst` and [a page](bursts.md).") == ["Whoever", "is told"]


def test_a_dropped_word_is_found_in_comments_texts_and_names() -> None:
    source = "def burst_size():  # anew\n    raise ValueError('x is no list, said so')\n"
    assert sorted(dropped_in_code(source)) == ["anew", "burst", "is no list", "said so"]
