from collections import Counter

from benchmarks.retrieval_data import conversations

MADE = conversations()


def test_there_is_enough_to_measure() -> None:
    assert len(MADE) == 20
    assert all(150 <= len(made.turns) <= 300 for made in MADE)
    assert sum(len(made.questions) for made in MADE) >= 300
    kinds = Counter(question.kind for made in MADE for question in made.questions)
    assert set(kinds) == {"fact", "speaker", "when", "several", "dated"}


def test_every_question_has_its_evidence_and_no_gap_is_left_in_a_text() -> None:
    for made in MADE:
        said = {turn.id: turn for turn in made.turns}
        assert len(said) == len(made.turns)
        for question in made.questions:
            assert question.evidence
            assert set(question.evidence) <= said.keys()
            assert "{" not in question.text
        assert not any("{" in turn.text or "\n" in turn.text for turn in made.turns)
        assert all(turn.at <= made.now for turn in made.turns)


def test_the_same_number_makes_the_same_conversations() -> None:
    assert conversations() == MADE
    assert conversations(6) != MADE
