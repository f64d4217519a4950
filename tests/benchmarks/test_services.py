"""The measurement of services: every call is made once, by the service's workers, and the core's worker stays."""

from __future__ import annotations

import pytest

from benchmarks.services import measure


@pytest.mark.slow
async def test_more_workers_of_a_service_share_its_calls_while_the_cores_worker_stays() -> None:
    found = await measure([1, 2], sessions=2)
    assert [(len(each.workers), each.calls) for each in found.values()] == [(1, 40), (2, 40)]
    [core] = {each.core[0] for each in found.values()}
    assert not any(str(core) in each.workers for each in found.values())
