"""What a check finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

Status = Literal["ok", "warning", "failed", "skipped"]


class Finding(BaseModel):
    """What a check found: a sentence with the figure that proves it, and what to do unless it is ok."""

    model_config = ConfigDict(frozen=True)

    status: Status
    text: str
    remedy: str = ""


class Result(Finding):
    """A check's finding, with its name, its area and its duration in seconds."""

    check: str
    area: str
    seconds: float = 0.0


class Report(BaseModel):
    """All results of one examination."""

    app: str
    results: tuple[Result, ...]

    def fit(self, *, strict: bool = False) -> bool:
        """Whether no check failed; ``strict`` also counts warnings."""
        bad = {"failed", "warning"} if strict else {"failed"}
        return not any(each.status in bad for each in self.results)


def ok(text: str) -> Finding:
    """The part is fit."""
    return Finding(status="ok", text=text)


def warning(text: str, remedy: str) -> Finding:
    """The part works, and should be changed before customers rely on it."""
    return Finding(status="warning", text=text, remedy=remedy)


def failed(text: str, remedy: str) -> Finding:
    """The part is not fit."""
    return Finding(status="failed", text=text, remedy=remedy)


def skipped(text: str, remedy: str = "") -> Finding:
    """The check did not run."""
    return Finding(status="skipped", text=text, remedy=remedy)


def worst(findings: Sequence[Finding], fine: str) -> Finding:
    """One finding for several: the texts of the worst status, or ``fine`` if all are ok."""
    for status in ("failed", "warning"):
        if found := [each for each in findings if each.status == status]:
            texts = "; ".join(each.text for each in found)
            remedies = dict.fromkeys(each.remedy for each in found if each.remedy)
            return Finding(status=found[0].status, text=texts, remedy="; ".join(remedies))
    return ok(fine)
