"""Namespaces without the search attributes of sessions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, RemoveSearchAttributesRequest
from temporalio.client import Client

from holdfast_client import connect
from holdfast_temporal import DevServer, attributes
from holdfast_temporal import connect as connect_temporal
from holdfast_workflows.contracts.errors import NoWorker, SearchAttributesMissing, SettingsInvalid


async def bare(server: DevServer, others: int = 0) -> Client:
    """Return a client for a namespace without our search attributes, but with ``others`` of other names."""
    temporal = await connect_temporal(server.address)
    await temporal.operator_service.remove_search_attributes(
        RemoveSearchAttributesRequest(namespace="default", search_attributes=list(attributes.TYPES))
    )
    kind = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
    if others:
        await temporal.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace="default", search_attributes={f"Other{n}": kind for n in range(others)}
            )
        )
    return temporal


async def test_a_client_registers_missing_search_attributes(tmp_path: Path, task_queue: str) -> None:
    async with DevServer(tmp_path, memory=True, ui=False) as server, asyncio.timeout(60):
        client = await connect(temporal=await bare(server), task_queue=task_queue, timeout=2.0)
        assert [each async for each in client.sessions(tenant="acme", status="running")] == []
        client = await connect(temporal=await bare(server), task_queue=task_queue, timeout=2.0)
        with pytest.raises(NoWorker, match="has the message"):
            await client.start("support", "Hello?")
        client = await connect(temporal=await bare(server), task_queue=task_queue, timeout=2.0)
        await client.start("support", id="without-message")


async def test_unregistrable_search_attributes_are_reported_with_the_command(
    tmp_path: Path, task_queue: str
) -> None:
    async with DevServer(tmp_path, memory=True, ui=False) as server, asyncio.timeout(60):
        client = await connect(temporal=await bare(server, others=10), task_queue=task_queue)
        with pytest.raises(SearchAttributesMissing, match="temporal operator search-attribute create"):
            await client.start("support", "Hello?")
        with pytest.raises(SearchAttributesMissing, match="--name HoldfastTenant --type Keyword"):
            _ = [each async for each in client.sessions(tenant="acme")]


async def test_a_missing_namespace_is_reported(server: DevServer, task_queue: str) -> None:
    client = await connect(server.address, namespace="nowhere", task_queue=task_queue)
    async with asyncio.timeout(60):
        with pytest.raises(SettingsInvalid, match=r"HOLDFAST_NAMESPACE.*nowhere"):
            _ = [each async for each in client.sessions()]
        with pytest.raises(SettingsInvalid, match=r"HOLDFAST_NAMESPACE.*nowhere"):
            await client.session("s-1").view()
        looked_up = await connect(server.address, namespace="nowhere")  # it looks up its queue first
        with pytest.raises(SettingsInvalid, match=r"HOLDFAST_NAMESPACE.*nowhere"):
            await looked_up.start("weather", "hello")
