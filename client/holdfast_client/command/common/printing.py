"""JSON for programs, tables for people."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_workflows.contracts.errors import HoldfastError
    from holdfast_workflows.contracts.session.entries import Usage

# What a terminal would obey rather than show: a model's text must not move the cursor,
# set the title or write the clipboard.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


_NARROWEST: Final = 80


def out() -> Console:
    """Standard output, for results; wide where no terminal says how wide it is.

    On a narrow terminal lines run on: a table made to fit would lose ids and figures.
    """
    # Without emoji: a name such as openai:a: is shown as it is.
    console = Console(
        emoji=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200
    )
    console.width = max(console.width, _NARROWEST)
    return console


def err() -> Console:
    """Standard error, for progress and notes; silent unless it is a terminal."""
    return Console(stderr=True, emoji=False, highlight=False, soft_wrap=True, quiet=not sys.stderr.isatty())


def document(value: Any) -> None:
    """One JSON document on one line."""
    sys.stdout.write(json.dumps(plain(value), default=str) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """A value in JSON's own types."""
    from pydantic import BaseModel  # takes longer to import than help may

    from holdfast_workflows.contracts.errors import HoldfastError

    if isinstance(value, BaseModel):
        return value.model_dump(mode="python")
    if isinstance(value, HoldfastError):
        return error(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
    return value.isoformat() if isinstance(value, datetime) else value


def error(problem: HoldfastError) -> dict[str, Any]:
    """An error for programs."""
    retry = {"retryable": problem.retryable, "retry_after": problem.retry_after}
    return {"code": problem.code, "message": str(problem), "id": problem.id, **retry}


def sentence(problem: HoldfastError) -> str:
    """An error for people: with what they can quote, and when to try again."""
    quote = [f"error {problem.id}"] if problem.id else []
    after = [f"try again in {problem.retry_after:,.0f} s"] if problem.retry_after else []
    if problem.id and problem.retryable and not after:
        after = ["try again later"]
    return " · ".join([str(problem), *quote, *after])


def shown(text: str) -> str:
    """Replace control characters, which a terminal would execute."""
    return _COMMANDS.sub("\ufffd", text)


def plain_cell(text: str) -> str:
    """Text of users, models and tools in a table: nothing in it is markup."""
    return escape(shown(text))


def count(number: int, thing: str) -> str:
    """So many things."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def money(usage: Usage) -> str:
    """Tokens in and out, and what they cost."""
    return f"{usage.input_tokens:,} in, {usage.output_tokens:,} out, ${usage.cost:.4f}"


def link(client: Client, session: str) -> str:
    """The session's page in the Temporal UI; empty if that is not known."""
    from holdfast_temporal import run_link  # it imports Temporal

    return run_link(client.temporal, session)
