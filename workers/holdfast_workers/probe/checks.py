"""Checks of targets: workers by their URLs, and the services that they need."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from holdfast_activities.resilience.classify import classify
from holdfast_workflows.contracts.errors import BadInput, ServiceError
from holdfast_workflows.contracts.operations.figures import Figure
from holdfast_workflows.contracts.text.redaction import redact_error

if TYPE_CHECKING:
    import httpx

Check = Callable[[], Awaitable[object]]

_SECONDS: Final = 5.0  # a target that takes longer has failed
_PATH: Final = "/ready"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Last:
    up: bool
    seconds: float


class Checks:
    """Runs the checks of all targets, and keeps their outcomes."""

    def __init__(self, targets: Mapping[str, Check]) -> None:
        self._targets = targets
        self._last = dict[str, _Last]()
        self._counts = Counter[tuple[str, str]](
            {(target, outcome): 0 for target in targets for outcome in ("ok", "failed")}
        )

    async def run(self) -> None:
        """Check every target once, all at the same time."""
        await asyncio.gather(*(self._check(target, check) for target, check in self._targets.items()))

    async def _check(self, target: str, check: Check) -> None:
        began, problem = time.monotonic(), ""
        try:
            async with asyncio.timeout(_SECONDS):
                await check()
        except TimeoutError:
            problem = f"no answer in {_SECONDS:g} s"
        except Exception as error:  # noqa: BLE001 # every error means that the target is down
            problem = redact_error(str(classify(error)))
        before, up = self._last.get(target), not problem
        if problem and (before is None or before.up):
            _log.warning("%s is down: %s", target, problem)
        elif before is not None and up and not before.up:
            _log.info("%s is up again", target)
        self._last[target] = _Last(up, time.monotonic() - began)
        self._counts[target, "ok" if up else "failed"] += 1

    def figures(self) -> Iterator[Figure]:
        """The outcomes so far."""
        for target, last in self._last.items():
            labels = {"target": target}
            yield Figure(name="holdfast_probe_up", value=float(last.up), labels=labels)
            yield Figure(name="holdfast_probe_seconds", value=last.seconds, labels=labels)
        for (target, outcome), count in self._counts.items():
            labels = {"target": target, "outcome": outcome}
            yield Figure(name="holdfast_probe_checks_total", value=count, labels=labels)


def worker_target(url: str) -> tuple[str, str]:
    """The name of a worker's target, and the URL that is read: ``/ready`` unless it has a path.

    Raises:
        BadInput: It is not the URL of a server.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(
            f"HOLDFAST_PROBE_WORKERS, or --worker: {url!r} is not a URL of a worker. Use http://HOST:PORT"
        )
    full = parts if parts.path not in ("", "/") else parts._replace(path=_PATH)
    return f"worker:{parts.netloc}", full.geturl()


def worker_check(http: httpx.AsyncClient, url: str) -> Check:
    """Read a worker's page, which has to answer with 200."""
    import httpx

    async def check() -> None:
        try:
            answer = await http.get(url)
        except httpx.HTTPError as error:  # the error of a model's server, if it were classified
            raise ServiceError(f"{url}: {type(error).__name__} {error}") from error
        if answer.status_code != 200:
            raise ServiceError(f"{url} answered {answer.status_code}: {answer.text[:300]}")

    return check
