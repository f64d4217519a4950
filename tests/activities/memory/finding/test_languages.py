"""A plain question finds the one memory that contains its content word, in any language. An unrelated question finds nothing."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from holdfast_activities.memory import MemoryStore, TurnDraft
from holdfast_activities.memory.finding import Finder, terms, turn_records
from holdfast_activities.memory.finding.units import indexed, units

LANGUAGES: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("languages.toml").read_text("utf-8")
)
NOW = 1_700_000_000.0


async def _best(finder: Finder, question: str) -> str:
    found = await finder.search(question, tenant="acme", scopes=(), now=NOW)
    return found[0].record.text if found else ""


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_question_finds_the_memory_with_its_content_word(
    language: str, memories: MemoryStore
) -> None:
    texts: list[str] = LANGUAGES[language]["memories"]
    drafts = [
        TurnDraft(id=text, scope="user:1", text=text, at=NOW, session=f"s{number}", place=0)
        for number, text in enumerate(texts)
    ]
    await memories.put("acme", await turn_records(memories, None, "acme", drafts))
    finder = Finder(memories, None)
    questions: list[tuple[int, str]] = LANGUAGES[language]["questions"]
    expected = {question: ["", *texts][number] for number, question in questions}
    assert {question: await _best(finder, question) for question in expected} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("l'hôtel", ["hotel"]),
        ("l’hôtel", ["hotel"]),
        ("dell'anno", ["anno"]),
        ("all’ospedale", ["ospedal"]),
        ("qu'elle aujourd'hui d'Olot", ["ell", "aujourdhui", "olot"]),
        ("O'Brien's o'clock", ["obrien", "oclock"]),
        ("l'Aigua", ["aigua"]),
        ("ім'я ім’я імʼя", ["імя", "імя", "імя"]),
        ("Ankara'ya", ["ankaraya"]),
    ],
)
def test_elisions_and_contractions_are_removed(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("قِطَّتي", "قطتي"),
        ("الكتاب", "كتاب"),
        ("שָׁלוֹם", "שלום"),
        ("می‌خواهم", "میخواهم"),
        ("ｶﾀｶﾅ", "カタカナ"),
        ("น้ำ", "น้\u0e4d\u0e32"),
        ("İSTANBUL", "istanbul"),
        ("STRASSE", "straße"),
    ],
)
def test_spelling_variants_give_the_same_terms(one: str, other: str) -> None:
    assert terms(one) == terms(other)


def test_english_is_indexed_by_whole_words_only() -> None:
    assert indexed("She has moved to Lisbon, which is near the sea.") == ["move", "lisbon", "sea"]
    assert "~sche" in indexed("Der Hausschlüssel hängt neben der Tür, sagte Frau Fischer.")


@pytest.mark.parametrize(
    "text", ["a" * 5_000, "中" * 5_000, "ก" * 5_000, "가" * 5_000, "1234567890" * 500, "'" * 5_000]
)
def test_long_runs_without_words_give_a_bounded_number_of_terms(text: str) -> None:
    assert len(indexed(text)) <= 2 * len(text)
    units(text)
