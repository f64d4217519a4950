"""Running the checks, one after the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from holdfast_workflows.contracts.errors import HoldfastError
from holdfast_workflows.contracts.text.redaction import redact_error

from .examined import Examined
from .findings import Finding, Result, failed, skipped

_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Check:
    """A check. It is skipped if one that it ``needs`` failed.

    One ``on_request`` runs only if it is named. It fails after ``seconds``.
    """

    name: str
    area: str
    run: Callable[[Examined], Awaitable[Finding]]
    needs: tuple[str, ...] = ()
    on_request: bool = False
    seconds: float = _SECONDS


def chosen(checks: Sequence[Check], only: Collection[str], also: Collection[str]) -> list[Check]:
    """The checks to run: ``only`` those named, with what they need, or the default ones and ``also``."""
    known = {check.name: check for check in checks}
    wanted = set(only) or {check.name for check in checks if not check.on_request} | set(also)
    for name in list(wanted):
        wanted |= set(known[name].needs)
    return [check for check in checks if check.name in wanted]


async def examine(examined: Examined, checks: Sequence[Check]) -> AsyncGenerator[Result]:
    """Run the checks in order. An error is a failed check; what follows from it is skipped."""
    unfit: set[str] = set()
    for check in checks:
        began = time.monotonic()
        if missing := sorted(unfit.intersection(check.needs)):
            found = skipped(f"needs {', '.join(missing)}")
        else:
            found = await _run(check, examined)
        if found.status in {"failed", "skipped"}:
            unfit.add(check.name)
        seconds = round(time.monotonic() - began, 3)
        yield Result(check=check.name, area=check.area, seconds=seconds, **found.model_dump())


async def _run(check: Check, examined: Examined) -> Finding:
    try:
        async with asyncio.timeout(check.seconds):
            return await check.run(examined)
    except HoldfastError as error:
        return failed(redact_error(error.detail or str(error)), _remedy(error))
    except TimeoutError:
        return failed(f"no result in {check.seconds:g} s", "look at the load of this machine and of the part")
    except Exception as error:  # noqa: BLE001 # the report must have every check
        return failed(redact_error(f"{type(error).__name__}: {error}"), "")


def _remedy(error: HoldfastError) -> str:
    """The text of the error's class, which has the remedy."""
    return " ".join((type(error).__doc__ or "").split())
