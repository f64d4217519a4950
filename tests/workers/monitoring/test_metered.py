"""A real worker records every metric of the table that has its source there, with the labels of the table."""

from __future__ import annotations

import json
import re

import pytest

from holdfast import HoldfastError, connect
from holdfast.testing import Reply, Request, ScriptedModel, call, say
from holdfast_temporal import DevServer, probe
from holdfast_workflows.contracts.operations.metrics import METRICS

from ..running import started
from .test_telemetry import scrape

_BY_WORKFLOWS = {"namespace", "task_queue", "workflow_type"}
"""Labels that the SDK adds to what a workflow records."""


def script(request: Request) -> Reply:
    """Pay when asked to, and say that it is done."""
    return say("Done.") if any(each["role"] == "tool" for each in request.messages) else call("pay")


@pytest.mark.slow
async def test_a_worker_records_every_metric(server: DevServer, task_queue: str) -> None:
    nowhere, port = probe.free_ports(2)
    async with ScriptedModel(script) as model:
        providers = {
            "openai": {"kind": "openai", "base_url": model.openai_url},
            "dead": {"kind": "openai", "base_url": f"http://127.0.0.1:{nowhere}/v1"},
        }
        settings = {"temporal_address": server.address, "task_queue": task_queue, "health_port": str(port)}
        providers_json = json.dumps(providers)
        async with started(
            "worker", "tests.workers.metered:app", providers=providers_json, embeddings="none", **settings
        ) as worker:
            await worker.ready()
            client = await connect(server.address, task_queue=task_queue)
            assert await client.run("clerk", "Pay the bill.") == "Done."
            assert await client.run("patient", "Pay the bill.") == "Done.", "its deadline passes"
            for agent in ("poor", "stuck", "stuck"):
                with pytest.raises(HoldfastError):
                    await client.run(agent, "Hello?")
            found = await scrape(port)
    recorded = {name: labels for each in found for name, labels in [_parts(each)]}
    for metric in METRICS:
        if metric.source == "worker":
            name = f"{metric.name}_count" if metric.kind == "histogram" else metric.name
            assert name in recorded, f"{name} was not recorded, but: {sorted(recorded)}"
            assert recorded[name] - _BY_WORKFLOWS == set(metric.labels), name
    own = {name for name in recorded if name.startswith("holdfast_")}
    known = {metric.name for metric in METRICS}
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in own} <= known


def _parts(sample: str) -> tuple[str, set[str]]:
    """The name of a sample, and its labels."""
    name, _, rest = sample.partition("{")
    return name, set(re.findall(r'([a-z_]+)="', rest))
