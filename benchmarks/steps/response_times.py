"""Response times: until the first text of a streamed reply, and until the first reply of ``holdfast dev``."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from holdfast import Session, TextDelta

from ..cold_start import measure_cold_start
from .rig import Rig

_MESSAGES = 10  # per round


@dataclass(frozen=True)
class ResponseTime:
    """A measured response time and its bound, in seconds."""

    name: str
    seconds: float
    bound: float


async def measure_response_times(
    rig: Rig, rounds: int, report: Callable[[str, int], None]
) -> list[ResponseTime]:
    """Measure each ``rounds`` times; medians. ``report`` runs before each."""
    texts: list[float] = []
    for number in range(rounds):
        report("first text", number)
        session = await rig.client.start("ordinary")
        texts += [await _first_text(session) for _ in range(_MESSAGES)]
        await session.close()
    cold = await measure_cold_start(rounds, lambda number: report("cold start", number))
    return [
        ResponseTime("a message until the first streamed text", median(texts), 0.6),
        ResponseTime("`holdfast dev` in an empty folder until the first reply", cold.reply, 6.0),
        ResponseTime("`holdfast dev` again in the same folder until the first reply", cold.again, 5.0),
    ]


async def _first_text(session: Session) -> float:
    """Send a message and return the seconds until the first text of its reply; follow the reply to its end."""
    began, first = time.perf_counter(), 0.0
    async for event in session.stream(f"bench {uuid.uuid4().hex} steps=0 calls=0 tool=talk"):
        if isinstance(event, TextDelta) and not first:
            first = time.perf_counter() - began
    return first
