"""An App whose tools mishandle every secret that they have. ``REDACTION=off`` turns redaction off, to show that it counts."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import sys
import threading
from pathlib import Path
from urllib.parse import quote

from temporalio import activity

from holdfast import (
    Agent,
    App,
    HttpTool,
    InstructionsContext,
    MCPServer,
    Memory,
    ToolContext,
    ToolError,
    tool,
)
from holdfast_activities.tools.mcp import credentials
from holdfast_workflows.contracts.text import known_secrets, redaction

NOTES = Path(__file__).parents[1] / "mcp_servers/notes.py"
HOME = os.environ.get("CANARY_HOME", "/tmp")
ECHO = os.environ.get("CANARY_ECHO", "http://127.0.0.1:1")

LEAKS = (
    "plain", "base64", "inside_base64", "hex", "url", "json", "raised", "refused", "cause", "progress", "logged",
    "third_party", "traced", "in_thread", "probe", "file", "instructions", "activity",
)  # fmt: skip
"""Secrets of tools, each in a variable of its own: ``CANARY_PLAIN`` and so on."""

OWN = ("file", "instructions", "activity")
SECRETS = [f"env:CANARY_{name.upper()}" for name in LEAKS if name not in OWN]
FILE = f"file:{HOME}/canary"

if os.environ.get("REDACTION") == "off":
    known_secrets.KNOWN.replace = lambda text, runs: text  # type: ignore[method-assign]
    credentials.Resolved.redact = lambda self, text: text  # type: ignore[method-assign]
    redaction._replaced = lambda text, shapes, searched: text


@tool(secrets=[*SECRETS, FILE], retries=0)
async def leak(how: str, ctx: ToolContext) -> str:  # noqa: C901 - one case for each way
    """Leak a secret."""
    value = ctx.secret(FILE if how == "file" else f"env:CANARY_{how.upper()}")
    match how:
        case "base64":
            return base64.b64encode(value.encode()).decode()
        case "inside_base64":
            return base64.b64encode(f"user:{value}!".encode()).decode()
        case "hex":
            return value.encode().hex()
        case "url":
            return f"https://api.example/?key={quote(value)}"
        case "json":
            return json.dumps({"reply": json.dumps({"key": value})})
        case "raised":
            raise ValueError(f"cannot use {value}")
        case "refused":
            raise ToolError(f"{value} is not accepted")
        case "progress":
            ctx.heartbeat(f"using {value}")
            await asyncio.sleep(1.5)  # until the heartbeat is sent
            return "used"
        case "logged":
            ctx.log.warning("the key is %s", value, extra={"fields": {"header": {"x": value}}})
        case "third_party":
            logging.getLogger("some.library").error("headers: %r", {"x-key": value})
        case "traced":
            try:
                raise OSError(value)  # noqa: TRY301 - the traced one
            except OSError:
                logging.getLogger("other").exception("failed")
        case "in_thread":
            thread = threading.Thread(target=_fail, args=(value,))
            thread.start()
            thread.join()
        case _:
            return f"the key: {value}"
    return "done"


@tool(retries=1, secrets=["env:CANARY_CAUSE"])
async def look_up(ctx: ToolContext) -> str:
    """Fail once, with a cause."""
    if ctx.attempt > 1:
        return "found"
    try:
        os.environ[ctx.secret("env:CANARY_CAUSE")]
    except KeyError as error:
        raise RuntimeError("no such key") from error
    return "never"


def _fail(value: str) -> None:
    raise RuntimeError(value)


def _unclear(ctx: ToolContext) -> str:
    raise RuntimeError(f"the bank refuses {ctx.secret('env:CANARY_PROBE')}")


@tool(effect="once", probe=_unclear, secrets=SECRETS, timeout=0.3)
async def pay(ctx: ToolContext) -> str:
    """Pay, and never end."""
    await asyncio.sleep(60)
    return ctx.secret("env:CANARY_PROBE")


@tool
def config() -> str:
    """Show a configuration file with secrets that the worker does not know."""
    return Path(HOME, "config").read_text()


def instruct(_: InstructionsContext) -> str:
    raise RuntimeError(f"no template for {os.environ['CANARY_INSTRUCTIONS']}")


@activity.defn
async def own_activity() -> None:
    """An activity of the user's own."""
    raise RuntimeError(f"cannot sign with {os.environ['CANARY_ACTIVITY']}")


app = App(
    agents=[
        Agent(
            "clerk",
            model="openai:scripted",
            memory=Memory(),
            tools=[
                leak,
                pay,
                look_up,
                config,
                HttpTool(
                    "echo",
                    allow=[],
                    private={ECHO: "127.0.0.0/8"},
                    headers={"x-key": "Token ${env:CANARY_HTTP}"},
                ),
                MCPServer(
                    "notes",
                    command=[sys.executable, str(NOTES)],
                    env={"NOTES_FOLDER": HOME, "KEY": "env:CANARY_MCP"},
                    allow=["environment"],
                    effects={"environment": "none"},
                ),
            ],
        ),
        Agent("instructed", model="openai:scripted", instructions=instruct),
    ],
    activities=[own_activity],
    secrets=["env:CANARY_INSTRUCTIONS", "env:CANARY_ACTIVITY"],
)
