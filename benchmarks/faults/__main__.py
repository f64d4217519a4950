"""Seed each fault in a real deployment, and show what names it. Writes ``benchmarks/FAULTS.md``."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from .faults import FAULTS, Fault, Found
from .world import World, deployed

_REPORT = Path(__file__).parents[1] / "FAULTS.md"
_AROUND = 60


async def main(only: list[str]) -> int:
    """Seed the faults whose names have one of the words; return how many were not named."""
    rows: list[str] = []
    missed = 0
    with tempfile.TemporaryDirectory(prefix="hf-faults-") as folder:
        async with deployed(Path(folder)) as world:
            for fault in FAULTS:
                if only and not any(word in fault.name for word in only):
                    continue
                row, named = await _seeded(fault, world)
                rows.append(row)
                missed += not named
                print(row, flush=True)
    if not only:
        _REPORT.write_text(_text(rows, missed), "utf-8")
    return missed


async def _seeded(fault: Fault, world: World) -> tuple[str, bool]:
    try:
        found = await fault.seed(world)
    except Exception as error:  # noqa: BLE001 # the others are still to be seeded
        found = Found("-", f"could not be seeded: {error!r}", 0.0)
    place = found.output.find(fault.words)
    shown = (
        found.output[max(0, place - _AROUND) : place + len(fault.words) + _AROUND]
        if place >= 0
        else "not named"
    )
    if place < 0:
        print(found.output[-600:])
    quoted = shown.replace("|", "/").strip()
    return f"| {fault.name} | `{found.command}` | … {quoted} … | {found.seconds:.1f} s |", place >= 0


def _text(rows: list[str], missed: int) -> str:
    head = [
        "# Seeded faults",
        "",
        "`python -m benchmarks.faults` seeds each fault in a deployment with a real Temporal server and worker, and runs the",
        f"command that an operator would type. {len(rows) - missed} of {len(rows)} faults were named. The time is that of the command.",
        "",
        "| fault | command | what it says | time |",
        "|---|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="words of the faults' names; all by default")
    raise SystemExit(asyncio.run(main(parser.parse_args().only)))
