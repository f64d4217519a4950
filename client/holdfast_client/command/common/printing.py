"""JSON for programs, tables for people."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from holdfast_workflows.contracts.text.counting import count as count  # noqa: PLC0414 # exported: printing.count

from .wrapping import wrapped

if TYPE_CHECKING:
    from holdfast_client.client import Client
    from holdfast_workflows.contracts.errors import HoldfastError
    from holdfast_workflows.contracts.session.entries import Usage

T = TypeVar("T")

_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""A terminal executes these: a model's text could move the cursor or write the clipboard."""

_NARROWEST: Final = 80


def out() -> Console:
    """Return standard output, for results; 200 columns without a terminal.

    On a narrow terminal lines run on, since a table that fits would lose ids and numbers.
    """
    # Without emoji: a name such as openai:a: is printed unchanged.
    console = Console(
        emoji=False, highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200
    )
    console.width = max(console.width, _NARROWEST)
    return console


def err() -> Console:
    """Return standard error, for progress and notes; silent unless it is a terminal."""
    return Console(stderr=True, emoji=False, highlight=False, soft_wrap=True, quiet=not sys.stderr.isatty())


def columns(console: Console) -> int:
    """Return the width for text: a terminal's present one, which may be below that of tables."""
    return shutil.get_terminal_size((console.width, 24)).columns if console.is_terminal else console.width


def result(value: Any, text: str | Table | Text, *, json: bool) -> None:
    """Print a value as JSON, or its text."""
    if json:
        document(value)
    else:
        out().print(text, markup=False)


def listing(
    values: Sequence[T], as_table: Callable[[Sequence[T]], Table | Text], empty: str, *, json: bool
) -> None:
    """Print values as JSON lines or as a table; print ``empty`` if the list is empty."""
    if not json:
        out().print(as_table(values) if values else empty)
    for value in values if json else ():
        document(value)


def document(value: Any) -> None:
    """Print one JSON document on one line."""
    sys.stdout.write(json.dumps(plain(value), default=str) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:
    """Convert a value to JSON's own types."""
    from pydantic import BaseModel  # too slow for --help

    from holdfast_workflows.contracts.errors import HoldfastError
    from holdfast_workflows.contracts.text.redaction import redact_error

    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, HoldfastError):
        retry = {"retryable": value.retryable, "retry_after": value.retry_after}
        return {"code": value.code, "message": redact_error(str(value)), "id": value.id, **retry}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
    return value.isoformat() if isinstance(value, datetime) else value


def table(*columns: str, right: Collection[str] = (), wrap: Collection[str] = ()) -> Table:
    """Return an empty table without borders.

    Columns in ``right`` are numbers, and those in ``wrap`` share the remaining width. The others are
    not wrapped, since ids are copied.
    """
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        wraps = column in wrap
        made.add_column(
            column,
            justify="right" if column in right else "left",
            no_wrap=not wraps,
            overflow="fold",
            ratio=1 if wraps else None,
        )
    return made


def add_row(to: Table, *cells: str, style: str = "") -> None:
    """Add texts of users, models and tools, in which nothing is markup."""
    to.add_row(*(plain_cell(cell) for cell in cells), style=style)


def failure(message: str) -> None:
    """Print what went wrong as one line on standard error."""
    from holdfast_workflows.contracts.text.redaction import redact_error  # only when something fails

    note(f"holdfast: {' '.join(redact_error(message).split())}")


def note(line: str) -> None:
    """Print a line on standard error; on a terminal it wraps between words, and not in `commands`."""
    console = err()
    if not console.quiet:
        kept = re.sub("`[^`]+`", lambda found: found[0].replace(" ", "\xa0"), line)  # commands are copied
        line = "\n".join(wrapped(kept, columns(console))).replace("\xa0", " ")
    sys.stderr.write(f"{line}\n")


def sentence(problem: HoldfastError) -> str:
    """Return an error as one line, with the id to quote and when to try again."""
    quote = [f"error {problem.id}"] if problem.id else []
    after = [f"try again in {problem.retry_after:,.0f} s"] if problem.retry_after else []
    if problem.id and problem.retryable and not after:
        after = ["try again later"]
    return " · ".join([str(problem), *quote, *after])


def shown(text: str) -> str:
    """Replace control characters, which a terminal would execute."""
    return _CONTROLS.sub("\ufffd", text)


def plain_cell(text: str) -> str:
    """Escape markup and replace control characters."""
    return escape(shown(text))


def call(name: str, arguments: str | dict[str, Any]) -> str:
    """Return a tool call as code: ``refund(order="4711", amount=20)``."""
    try:
        values: Any = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:  # a preview
        return f"{name}({arguments})"
    if not isinstance(values, dict):
        return f"{name}({arguments})"
    named = (f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in values.items())  # pyright: ignore[reportUnknownVariableType]  # JSON
    return f"{name}({', '.join(named)})"


def indented(console: Console, text: str, indent: int = 0, style: str = "") -> None:
    """Print a text with an indent; on a terminal its lines wrap at words."""
    console.print(Text(_indented(console, text, indent)), style=style)


def _indented(console: Console, text: str, indent: int) -> str:
    lines = (
        wrapped(shown(text), max(20, columns(console) - indent))
        if console.is_terminal
        else shown(text).split("\n")
    )
    return "\n".join(f"{' ' * indent}{line}".rstrip() for line in lines)


def blocks(found: Iterable[tuple[str, str, str]], style: str = "bold") -> Text:
    """Return texts, each a head, the rest of its line, and lines below it.

    Ids are copied and texts are long, so the columns of a table would cut the ones or squeeze the others.
    """
    console, lines = out(), list[Text]()
    for head, rest, below in found:
        lines.append(Text.assemble((shown(head), style), f"  {shown(rest)}"))
        lines[-1].rstrip()
        lines += [Text(_indented(console, below, 2))] if below else []
    return Text("\n").join(lines)


def when(seconds: float) -> str:
    """Return a time in seconds since 1970 as local time; empty for 0."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S}" if seconds else ""


def since(at: datetime, now: datetime | None = None) -> str:
    """Return a time in local time: relative for today, with its date otherwise."""
    at, now = at.astimezone(), (now or datetime.now(UTC)).astimezone()
    if at.date() != now.date():
        return f"{at:%Y-%m-%d %H:%M}"
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < 60:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 3_600 else f"{seconds // 3_600} h ago"


def money(usage: Usage) -> str:
    """Return tokens in, tokens out and the cost."""
    return f"{usage.input_tokens:,} in, {usage.output_tokens:,} out, ${usage.cost:.4f}"


def link(client: Client, session: str) -> str:
    """Return the session's page in the Temporal UI; empty if the address is unknown."""
    from holdfast_temporal import run_link  # it imports Temporal

    return run_link(client.temporal, session)


def trace_link(trace_id: str) -> str:
    """Return a trace's page in the tracing backend; empty without ``HOLDFAST_TRACE_URL``."""
    address = os.environ.get("HOLDFAST_TRACE_URL", "")
    if not address or not trace_id:
        return ""
    place = "{trace_id}"
    return address.replace(place, trace_id) if place in address else f"{address.rstrip('/')}/{trace_id}"
