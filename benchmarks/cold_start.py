"""Cold start: seconds from ``holdfast dev`` in an empty folder to the first reply.

``python -m benchmarks.cold_start`` prints it.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

from holdfast.testing import ScriptedModel
from holdfast_client import connect
from holdfast_temporal import DevServer

from .steps.processes import python

_LONGEST = 60.0  # seconds
_LOOK = 0.005
_AGENT = "ordinary"
_PROMPT = "bench 0{number} steps=0 calls=0 tool=look"
_MAIN = "from holdfast_client.command import main; main()"


@dataclass(frozen=True)
class ColdStart:
    """Seconds from the start of the command.

    Attributes:
        server: Until the Temporal server answers.
        reply: Until the first reply to a client that connects as soon as the server answers.
        again: The same as ``reply`` at the next start in the same folder.
    """

    server: float
    reply: float
    again: float


async def measure_cold_start(rounds: int, report: Callable[[int], None] = lambda _: None) -> ColdStart:
    """Run the command ``rounds`` times, in a new folder each; medians. ``report`` runs before each."""
    samples: list[ColdStart] = []
    with ScriptedModel.spawn("benchmarks.steps.script:script") as model:
        for number in range(rounds):
            report(number)
            with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
                server, reply = await _start(Path(folder), model.openai_url, 2 * number)
                _, again = await _start(Path(folder), model.openai_url, 2 * number + 1)
            samples.append(ColdStart(server, reply, again))
    return ColdStart(*(median(getattr(each, field.name) for each in samples) for field in fields(ColdStart)))


async def _start(home: Path, model: str, number: int) -> tuple[float, float]:
    environment = {"HOLDFAST_HOME": str(home), "OPENAI_BASE_URL": model, "OPENAI_API_KEY": "bench"}
    began = time.perf_counter()
    command = ("-c", _MAIN, "dev", "benchmarks.steps.app:app")
    async with asyncio.timeout(_LONGEST), python(*command, log=home / "dev.log", **environment):
        while (found := DevServer.find(home)) is None:  # noqa: ASYNC110 # another process's file sets no event of ours
            await asyncio.sleep(_LOOK)
        server = time.perf_counter() - began
        client = await connect(found.address, task_queue="holdfast", timeout=_LONGEST)
        reply = await client.run(_AGENT, _PROMPT.format(number=number))
        if reply != "Done.":
            raise RuntimeError(f"the first run ended with {reply!r}")
        return server, time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    found = asyncio.run(measure_cold_start(parser.parse_args().rounds))
    sys.stdout.write(
        f"server {found.server:.2f} s, first reply {found.reply:.2f} s, at the next start {found.again:.2f} s\n"
    )


if __name__ == "__main__":
    main()
