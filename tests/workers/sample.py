"""An App for tests, whose one activity tells a file what happens to it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import BaseModel
from temporalio import activity

from holdfast_workflows.contracts.agent.app import Registry


class Job(BaseModel):
    """Begin, wait until the file ``go`` is there, end; each noted in ``notes``."""

    name: str
    folder: Path


@activity.defn
async def job(job: Job) -> str:
    """Do a job; its attempt number is the result."""
    attempt = activity.info().attempt
    note(job, f"begun {attempt}")
    while not (job.folder / "go").exists():  # a file sets no event of ours
        activity.heartbeat()
        await asyncio.sleep(0.02)
    note(job, f"ended {attempt}")
    return str(attempt)


@activity.defn
async def stubborn(job: Job) -> None:
    """Ignore every request to end."""
    note(job, "begun")
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            note(job, "ignored")


def note(job: Job, what: str) -> None:
    """Append a line."""
    with (job.folder / "notes").open("a") as file:
        file.write(f"{job.name} {what}\n")


class SampleApp:
    """What ``load_app`` takes for an App."""

    def registry(self) -> Registry:
        """No agents, two activities."""
        return Registry(agents={}, tools={}, activities=[job, stubborn])


app = SampleApp()
not_an_app = 3
