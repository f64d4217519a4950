"""The findings of the offline analyst, and its report."""

from __future__ import annotations

from dataclasses import dataclass, field

from .columns import Table
from .queries import Queries
from .words import Cell, figure, label, table

WHO = "the offline analyst: a plain program that follows fixed rules, not a language model"


@dataclass(frozen=True)
class Check:
    """A figure computed twice."""

    claim: str
    claimed: Cell
    found: Cell
    matches: bool


@dataclass
class Findings:
    """Everything that goes into the report, in the order it was found."""

    question: str
    table: Table
    queries: Queries
    headline: str = ""
    facts: list[str] = field(default_factory=list[str])
    tables: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    checks: list[Check] = field(default_factory=list[Check])
    caveats: list[str] = field(default_factory=list[str])
    ran: list[str] = field(default_factory=list[str])
    charts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def add_table(self, title: str, columns: list[str], rows: list[list[Cell]]) -> None:
        """Add a table unless it is empty."""
        if rows:
            self.tables.append((title, table(columns, rows)))

    def report(self) -> str:
        """The report in Markdown."""
        parts = [f"# {label(self.question, 200)}", f"*Written by {WHO}.*", self.headline, *self._verdict()]
        parts += [f"![{title}]({file})" for title, file in self.charts]
        parts += ["## What the file shows", *(f"- {fact}" for fact in self.facts)]
        for title, body in self.tables:
            parts += [f"### {title}", body]
        if self.checks:
            rows: list[list[Cell]] = [
                [c.claim, c.claimed, c.found, "yes" if c.matches else "NO"] for c in self.checks
            ]
            parts += ["## Figures computed twice", table(["figure", "reported", "again", "the same"], rows)]
        parts += ["## What to keep in mind", *(f"- {caveat}" for caveat in self._caveats())]
        if self.ran:
            parts += [
                "## Queries",
                "```sql\n" + ";\n\n".join(sql.replace("`", "'") for sql in self.ran) + ";\n```",
            ]
        return _joined(parts)

    def answer(self, file: str) -> str:
        """The final reply."""
        place = f" The report is in {file}." if file else " The report could not be written."
        return " ".join([self.headline, *self._verdict(), f"{place.strip()} (I am {WHO}.)"])

    def _verdict(self) -> list[str]:
        wrong = sum(not check.matches for check in self.checks)
        if not self.checks:
            return []
        if wrong:
            return [
                f"Attention: {wrong} of {len(self.checks)} figures came out differently when computed again."
            ]
        return [
            f"All {len(self.checks)} figures checked came out the same when computed again in another way."
        ]

    def _caveats(self) -> list[str]:
        notes = [label_note(note) for note in self.table.notes]
        measure = self.queries.choice.measure
        if measure and measure.missing:
            notes.append(f"{figure(measure.missing)} rows have no {label(measure.name)} and are left out.")
        if measure and self.queries.choice.how == "AVG":
            notes.append(
                "Averages count every row alike, whatever it stands for: large and small ones weigh the same."
            )
        return [
            *self.caveats,
            *notes,
            "The columns were chosen by comparing the question's words with their names; see that they are the right ones.",
            "The figures say what is in the file, not why it is so.",
        ]


def label_note(note: str) -> str:
    """A note from the tools; it may hold column names."""
    return " ".join(label(word) for word in note.split())


def _joined(parts: list[str]) -> str:
    """Paragraphs apart, list items together."""
    text = ""
    for part in parts:
        together = part.startswith("- ") and text.rpartition("\n")[2].startswith("- ")
        text += part if not text else ("\n" if together else "\n\n") + part
    return text + "\n"
