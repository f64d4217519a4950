"""An App whose tools must happen once and kill their worker, once per reason.

``what`` says when: "before" the effect, "after" it, or never.
"""

from __future__ import annotations

import os
from pathlib import Path

from holdfast import Agent, App, ToolContext, tool
from holdfast_workflows.contracts.agent.spec import RetryPolicy

from . import ledger

_SOON = RetryPolicy(attempts=3, first_delay=0.1, max_delay=0.5)
_MAY_RUN = 4
"""Timeout in seconds of the `once` tools: the time until a lost call is probed."""


def _die(when: str) -> None:
    """End the process as a kill would; the first time only."""
    died = Path(os.environ["HOLDFAST_HOME"]) / f"died-{when}"
    if not died.exists():
        died.touch()
        os._exit(9)


def _book(what: str, key: str) -> str:
    url = os.environ["HOLDFAST_TEST_LEDGER"]
    if what.startswith("before"):
        _die(what)
    receipt = ledger.post(url, key, what)
    if what.startswith("after"):
        _die(what)
    return receipt


def booked(ctx: ToolContext) -> str | None:
    """Ask the ledger."""
    return ledger.look(os.environ["HOLDFAST_TEST_LEDGER"], ctx.key) or None


@tool(effect="idempotent")
def unbook(what: str, ctx: ToolContext) -> str:
    """Book that something was undone; the first call kills the worker after booking.

    Args:
        what: What.
    """
    receipt = _book(f"undid {what}", ctx.key)
    _die("undoing")
    return receipt


@tool(effect="once", timeout=_MAY_RUN, probe=booked)
def pay(what: str, ctx: ToolContext) -> str:
    """Pay, with a probe.

    Args:
        what: For what.
    """
    return _book(what, ctx.key)


@tool(effect="once", timeout=_MAY_RUN)
def send(what: str, ctx: ToolContext) -> str:
    """Send, without a probe.

    Args:
        what: What.
    """
    return _book(what, ctx.key)


@tool(effect="idempotent", undo=unbook)
def reserve(what: str, ctx: ToolContext) -> str:
    """Reserve.

    Args:
        what: What.
    """
    return _book(what, ctx.key)


@tool(effect="idempotent", approval="ask")
def grant(what: str, ctx: ToolContext) -> str:
    """Grant, once a person has approved it.

    Args:
        what: What.
    """
    return _book(what, ctx.key)


app = App(
    agents=[
        Agent("clerk", model="openai:scripted", tools=[pay, send, reserve, grant], model_retry=_SOON),
    ]
)
