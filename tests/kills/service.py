"""An App whose tools run on a service queue, and end the process that runs them once."""

from __future__ import annotations

import os
from pathlib import Path

from holdfast import Agent, App, ToolContext, tool

from . import ledger


def _die_once(name: str) -> None:
    died = Path(os.environ["HOLDFAST_HOME"]) / f"died-{name}"
    if not died.exists():
        died.touch()
        os._exit(9)


@tool(effect="idempotent", queue="mail")
def post(what: str, ctx: ToolContext) -> str:
    """Post something, and lose the worker after the first time.

    Args:
        what: What.
    """
    receipt = ledger.post(os.environ["HOLDFAST_TEST_LEDGER"], ctx.key, what)
    _die_once("post")
    return f"{receipt} by {os.getpid()}"


@tool(effect="once", queue="mail", queue_timeout=1, timeout=4)
def send(what: str, ctx: ToolContext) -> str:
    """Send something, and lose the worker after the first time.

    Args:
        what: What.
    """
    receipt = ledger.post(os.environ["HOLDFAST_TEST_LEDGER"], ctx.key, what)
    _die_once("send")
    return receipt


app = App(agents=[Agent("clerk", model="openai:scripted", tools=[post, send])])
