"""Workers that trace die by SIGKILL. Model and tools record the span of each call that they see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support import eventually
from tests.workers.tracing.receiver import Received, Receiver, receiver

from ..calls import CALLS
from ..oracle import requests
from ..passing import undertake
from ..processes import Options, World, world
from ..program import Program, programs
from ..report import Row

EVERY = 1.5
"""Seconds between two kills."""

_SETTLED = 30.0  # seconds until the spans of killed workers must have been exported


async def run(options: Options) -> Row:
    """Each call that happened has one span, and each turn."""
    return await _row("tracing", options, spool=True)


async def careless(options: Options) -> Row:
    """The same with spans in memory only, where the folder for them cannot be made."""
    return await _row("tracing-careless", options, spool=False)


async def _row(name: str, options: Options, *, spool: bool) -> Row:
    row, drawn = Row(name, options), programs(options.seed, options.runs)
    with TemporaryDirectory(prefix="hf-spans-") as folder, receiver() as collector:
        calls = Path(folder) / "calls"
        calls.touch()
        home = Path(folder) / "home"
        home.mkdir()
        if not spool:
            (home / "spans").touch()  # a file where the folder has to be
        environment = {
            "HOLDFAST_TRACING": "true",
            "HOLDFAST_HOME": str(home),
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            CALLS: str(calls),
        }
        async with world(options, environment=environment) as up:
            await undertake(row, up, drawn, lambda: EVERY, up.fleet.kill)
            await _exported(up, collector, home / "spans", drawn)
            asked = [each["span"] for each in requests(up.requests)]
            row.counts |= {"kills": len(up.fleet.kills), "spared": up.fleet.spared}
        _judge(row, collector, drawn, asked, calls.read_text().split())
    return row


async def _exported(up: World, collector: Receiver, home: Path, runs: Sequence[Program]) -> None:
    """Wait until the turns' spans have arrived, and no folder of a killed worker is left."""

    async def done() -> bool:
        turns = {each.id for each in collector.named("invoke_agent clerk")}
        left = len(list(home.iterdir())) if home.is_dir() else 0
        return len(turns) >= len(runs) and left <= up.fleet.count

    try:
        await eventually(done, _SETTLED)
    except TimeoutError:
        return  # the verdict says what is missing


def _judge(
    row: Row, collector: Receiver, runs: Sequence[Program], asked: Sequence[str], called: Sequence[str]
) -> None:
    spans = {each.id: each for each in collector.spans}
    copies = Counter(each.id for each in collector.sent)
    row.counts["spans"] = len(spans)
    row.counts["sent again"] = sum(copies.values()) - len(copies)
    row.counts["lost calls"] = sum(each.error == "its worker was killed" for each in spans.values())
    for kind, name, seen in (("model calls", "chat", asked), ("tool calls", "execute_tool", called)):
        own = {id: each for id, each in spans.items() if each.name.startswith(name)}
        row.counts[kind] = len(seen)
        row.forbid(f"{kind} without a span", sorted(set(seen) - own.keys()), len(seen))
        row.forbid(f"{kind} that share a span", [id for id, n in Counter(seen).items() if n > 1], len(seen))
        row.forbid(f"spans without {kind}", list(_without(own.values(), seen)), len(own))
    turns = Counter(
        each.attributes["gen_ai.conversation.id"]
        for each in spans.values()
        if each.name == "invoke_agent clerk"
    )
    row.forbid("turns without a span", [each.id for each in runs if not turns[each.id]], len(runs))
    row.forbid("turns with two spans", [each.id for each in runs if turns[each.id] > 1], len(runs))
    alone = [each.id for each in spans.values() if each.parent and each.parent not in spans]
    row.forbid("spans without their parent", alone, len(spans))


def _without(spans: Iterable[Received], seen: Sequence[str]) -> list[str]:
    """Spans of calls that nothing outside has seen, though they do not say that they failed or were lost."""
    known = set(seen)
    return [
        f"{each.name} {each.id}"
        for each in spans
        if each.id not in known and not each.attributes.get("error.type")
    ]
