"""A plain script for cron: one task for each of the day's reviews.

    holdfast worker examples.nightly:app
    python -m examples.nightly 2026-11-27

A task's id names its review and day, so a second run, or a run after a crash, calls no model for what is done.
"""

from __future__ import annotations

import sys
from typing import Literal

from pydantic import BaseModel

from holdfast import Agent, App, HoldfastError
from holdfast.sync import connect


class Verdict(BaseModel):
    mood: Literal["good", "mixed", "bad"]
    summary: str


reader = Agent(
    "reader",
    model="openai:gpt-5-mini",
    instructions="Judge a customer's review of a book in one sentence.",
    output_type=Verdict,
)
app = App(name="nightly", agents=[reader])

REVIEWS = {
    "kindred": "I read it in one night and could not sleep afterwards. Magnificent.",
    "middlemarch": "Long. The print is so small that I returned it.",
}


def main(day: str) -> int:
    """Start all tasks, then print each verdict; 1 if a task failed."""
    failed = 0
    with connect() as client:
        tasks = {
            title: client.start_task(reader, text, id=f"review-{day}-{title}", priority=5)
            for title, text in REVIEWS.items()
        }
        for title, task in tasks.items():
            try:
                verdict = task.result(timeout=600).output
            except HoldfastError as error:
                failed = 1
                print(f"{title}: {error}", file=sys.stderr)
            else:
                print(f"{title}: {verdict.mood}, {verdict.summary}")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
