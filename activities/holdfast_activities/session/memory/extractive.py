"""Extracts of a conversation: the sentences that bear most on the task, and are most like all the others.

A pure function, so the same entries give the same extract. It costs no model call, and takes
nothing into the summary that was not said.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from holdfast_workflows.contracts.text.unicode import size

_RELEVANCE = 0.6
"""What likeness to the task weighs; the rest is likeness to the whole."""

_CONTENT = 0.15
"""What a sentence with a figure or a name is worth more: ids, amounts and dates are what is asked for later."""

_LONGEST = 400  # characters of one sentence
_MOST = 4_000
"""Sentences that are weighed; of more, the newest."""

_ENDS = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_WORD = re.compile(r"\w+")
_FIGURE = re.compile(r"\d")
_STOP = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "can", "did", "do", "for", "from", "had", "has",
    "have", "he", "her", "his", "i", "if", "in", "is", "it", "its", "me", "my", "not", "of", "on", "or", "our",
    "she", "so", "that", "the", "their", "them", "then", "there", "they", "this", "to", "was", "we", "were", "what",
    "when", "which", "who", "will", "with", "would", "you", "your",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text of the conversation: its number in the log, and who said it."""

    seq: int
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class _Sentence:
    place: int
    said: Utterance
    text: str
    terms: Counter[str]


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a comparison: terms by their weight, and the length of that vector."""

    weights: dict[str, float]
    length: float

    @classmethod
    def of(cls, terms: Counter[str], rarity: dict[str, float]) -> "_Side":
        weights = {term: count * rarity.get(term, 0.0) for term, count in terms.items()}
        return cls(weights, math.sqrt(sum(weight**2 for weight in weights.values())))

    def like(self, other: "_Side") -> float:
        """The cosine of the angle between the two."""
        if not self.length or not other.length:
            return 0.0
        shared = sum(weight * other.weights.get(term, 0.0) for term, weight in self.weights.items())
        return shared / (self.length * other.length)


def extract(said: Iterable[Utterance], task: str, room: int) -> str:
    """The most telling sentences, in their order, each text's on a line of its own.

    Args:
        said: What was said, in order.
        task: What is being worked on.
        room: Bytes that the extract may take: tokens are estimated from them, whatever the script.
    """
    sentences = _sentences(said)[-_MOST:]
    whole: Counter[str] = Counter()
    for sentence in sentences:
        whole.update(sentence.terms.keys())
    rarity = {term: math.log(1 + len(sentences) / count) for term, count in whole.items()}
    task_terms, all_terms = _Side.of(Counter(_terms(task)), rarity), _Side.of(whole, rarity)

    def score(sentence: _Sentence) -> float:
        own = _Side.of(sentence.terms, rarity)
        content = _CONTENT if _FIGURE.search(sentence.text) else 0.0
        return _RELEVANCE * own.like(task_terms) + (1 - _RELEVANCE) * own.like(all_terms) + content

    ranked = sorted(sentences, key=lambda sentence: (-score(sentence), sentence.place))
    return _lines(_fitting(ranked, room))


def _sentences(said: Iterable[Utterance]) -> list[_Sentence]:
    found: list[_Sentence] = []
    seen: set[str] = set()
    for each in said:
        for part in _ENDS.split(each.text):
            text = " ".join(part.split())[:_LONGEST]
            terms = _terms(text)
            # What was said twice is as telling as what was said once.
            if not terms or text in seen:
                continue
            seen.add(text)
            found.append(_Sentence(len(found), each, text, Counter(terms)))
    return found


def _terms(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in _STOP]


def _fitting(ranked: Sequence[_Sentence], room: int) -> list[_Sentence]:
    chosen: list[_Sentence] = []
    for sentence in ranked:
        # With the number and the speaker, which a line begins with.
        takes = size(sentence.text) + size(sentence.said.speaker) + 12
        if takes <= room:
            chosen.append(sentence)
            room -= takes
    return sorted(chosen, key=lambda sentence: sentence.place)


def _lines(chosen: Iterable[_Sentence]) -> str:
    lines: dict[int, list[str]] = {}
    heads: dict[int, str] = {}
    for sentence in chosen:
        said = sentence.said
        heads[said.seq] = f"[{said.seq}] {said.speaker}: "
        lines.setdefault(said.seq, []).append(sentence.text)
    return "\n".join(heads[seq] + " ".join(parts) for seq, parts in lines.items())
