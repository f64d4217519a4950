"""The shape of a fleet: a paused one with a failed item, which continues as new with an item that still runs."""

from __future__ import annotations

from holdfast import Budget
from holdfast.testing import Environment, Reply, Request, call, say
from holdfast_client import Session

from ...support import Gate, eventually, make_app


def _script(request: Request) -> Reply:
    text = str(next(each["content"] for each in request.messages if each["role"] == "user"))
    if text == "slow":
        return say("At last.") if request.results else call("hold", {"name": "one"})
    return say("", finish="length") if text == "bad" else say("Done.")


async def fleet(holdfast: Environment, gate: Gate) -> Session:
    """Its history."""
    items = ["slow", "bad", *map(str, range(12))]
    started = await holdfast.client.fleets.start(
        "helper", items, concurrency=3, budget=Budget(tokens=900_000), continue_as_new_after=100
    )
    await gate.arrived()
    await started.pause("a moment")
    await started.resume()

    async def almost_done() -> bool:
        return (await started.report()).done == len(items) - 2

    await eventually(almost_done)
    gate.opened.set()
    await started.wait(timeout=60)
    return holdfast.client.session(started.id)


FLEET = {"fleet": (fleet, _script, make_app)}
