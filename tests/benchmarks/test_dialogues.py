from collections import Counter

import pytest

from benchmarks.by_sentence import sentences
from benchmarks.dialogues import HALVES, Half, dialogues


@pytest.mark.parametrize("half", HALVES)
def test_each_half_has_enough_questions_of_every_kind(half: Half) -> None:
    made = dialogues(half)
    assert len(made) == 6
    assert all(350 <= len(each.turns) <= 550 for each in made)
    kinds = Counter(question.kind for each in made for question in each.questions)
    assert set(kinds) == {"single", "when", "open", "joined", "dated"}
    assert min(kinds.values()) >= 10
    assert sum(kinds.values()) >= 700


@pytest.mark.parametrize("half", HALVES)
def test_every_question_has_evidence_and_no_placeholder_is_left(half: Half) -> None:
    for made in dialogues(half):
        said = {turn.id: turn for turn in made.turns}
        assert len(said) == len(made.turns)
        for question in made.questions:
            assert question.evidence
            assert set(question.evidence) <= said.keys()
            assert "{" not in question.text
        assert not any("{" in turn.text for turn in made.turns)
        assert all(turn.at < made.now for turn in made.turns)


def test_the_halves_share_no_turn_that_answers() -> None:
    tuning, held_out = (_answers(half) for half in HALVES)
    assert tuning
    assert not tuning & held_out


def test_the_same_seed_makes_the_same_dialogues() -> None:
    assert dialogues("tuning") == dialogues("tuning")
    assert dialogues("tuning", 8) != dialogues("tuning")


def test_a_short_sentence_is_joined_with_the_next() -> None:
    text = "Wow! That is a lovely picture of a lake. Where did you take it?"
    assert sentences(text) == ["Wow! That is a lovely picture of a lake.", "Where did you take it?"]


def _answers(half: Half) -> set[str]:
    made = dialogues(half)
    evidence = {id for each in made for question in each.questions for id in question.evidence}
    return {turn.text for each in made for turn in each.turns if turn.id in evidence}
