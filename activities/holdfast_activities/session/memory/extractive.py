"""Extract the most representative sentences of a conversation: a pure function, without a model call."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from holdfast_activities.memory.finding.similarity import cosine, rarity, unit
from holdfast_activities.memory.finding.terms import terms
from holdfast_workflows.contracts.text.unicode import size

_RELEVANCE = 0.6
"""Weight of the similarity to the task; the rest is similarity to the whole conversation."""

_FIGURE_BONUS = 0.15  # added for a sentence with a figure: ids, amounts and dates are needed later
_LONGEST = 400  # characters of one sentence
_MAX_SENTENCES = 4_000  # the newest
_LABEL = 12  # bytes of a line's label besides the speaker

_ENDS = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_FIGURE = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text of the conversation, its number in the log, and its speaker."""

    seq: int
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class _Sentence:
    place: int
    source: Utterance
    text: str
    terms: Counter[str]


def extract(utterances: Iterable[Utterance], task: str, room: int) -> str:
    """Return the sentences most similar to the task and to the whole, in order, one line for each utterance.

    ``room`` is in bytes, from which tokens are estimated in any script.
    """
    sentences = _sentences(utterances)[-_MAX_SENTENCES:]
    weights = rarity([sentence.terms for sentence in sentences])
    whole = unit(Counter(term for sentence in sentences for term in sentence.terms), weights)
    wanted = unit(Counter(terms(task)), weights)

    def score(sentence: _Sentence) -> float:
        own = unit(sentence.terms, weights)
        bonus = _FIGURE_BONUS if _FIGURE.search(sentence.text) else 0.0
        return _RELEVANCE * cosine(own, wanted) + (1 - _RELEVANCE) * cosine(own, whole) + bonus

    chosen: list[_Sentence] = []
    for sentence in sorted(sentences, key=lambda sentence: (-score(sentence), sentence.place)):
        needed = size(sentence.text) + size(sentence.source.speaker) + _LABEL
        if needed <= room:
            chosen.append(sentence)
            room -= needed
    lines: dict[tuple[int, str], list[str]] = {}
    for sentence in sorted(chosen, key=lambda sentence: sentence.place):
        lines.setdefault((sentence.source.seq, sentence.source.speaker), []).append(sentence.text)
    return "\n".join(f"[{seq}] {speaker}: {' '.join(texts)}" for (seq, speaker), texts in lines.items())


def _sentences(utterances: Iterable[Utterance]) -> list[_Sentence]:
    found: dict[str, _Sentence] = {}
    for source in utterances:
        for part in _ENDS.split(source.text):
            text = " ".join(part.split())[:_LONGEST]
            if text not in found and (bag := Counter(terms(text))):
                found[text] = _Sentence(len(found), source, text, bag)
    return list(found.values())
