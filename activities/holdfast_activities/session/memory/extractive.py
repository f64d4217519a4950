"""Extract the most representative sentences of a conversation: a pure function, without a model call."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from holdfast_activities.memory.finding.terms import terms
from holdfast_workflows.contracts.text.unicode import size

_RELEVANCE = 0.6
"""Weight of the similarity to the task; the rest is similarity to the whole conversation."""

_FIGURE_BONUS = 0.15
"""Added for a sentence with a figure: ids, amounts and dates are needed later."""

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
    frequency: Counter[str] = Counter()
    for sentence in sentences:
        frequency.update(sentence.terms.keys())
    rarity = {term: math.log(1 + len(sentences) / count) for term, count in frequency.items()}
    task_vector, whole = _unit(Counter(terms(task)), rarity), _unit(frequency, rarity)

    def score(sentence: _Sentence) -> float:
        own = _unit(sentence.terms, rarity)
        bonus = _FIGURE_BONUS if _FIGURE.search(sentence.text) else 0.0
        return _RELEVANCE * _cosine(own, task_vector) + (1 - _RELEVANCE) * _cosine(own, whole) + bonus

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


def _unit(bag: Counter[str], rarity: Mapping[str, float]) -> dict[str, float]:
    """Return the vector of some terms, with length 1."""
    weights = {term: count * rarity.get(term, 0.0) for term, count in bag.items()}
    length = math.sqrt(sum(weight**2 for weight in weights.values())) or 1.0
    return {term: weight / length for term, weight in weights.items()}


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return sum(weight * other.get(term, 0.0) for term, weight in one.items())
