from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import (
    ListSearchAttributesRequest,
    RemoveSearchAttributesRequest,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from holdfast_temporal import DevServer, attributes, binary, connect, ensure_search_attributes, run_link


async def test_missing_attributes_are_registered_and_can_be_searched(tmp_path: Path) -> None:
    async with DevServer(tmp_path, memory=True, ui=False) as server:
        client = await connect(server.address)
        await client.operator_service.remove_search_attributes(
            RemoveSearchAttributesRequest(namespace="default", search_attributes=[attributes.TENANT.name])
        )
        assert await ensure_search_attributes(client) == ["HoldfastTenant"]
        assert await ensure_search_attributes(client) == []
        await client.start_workflow(
            "Any",
            id="w",
            task_queue="none",
            search_attributes=TypedSearchAttributes([
                SearchAttributePair(attributes.COST, 0.5),
                SearchAttributePair(attributes.TURNS, 2),
            ]),
        )  # fmt: skip
        found: list[str] = []
        # The server lists a new run a moment after it has started.
        async with asyncio.timeout(60):
            while not found:
                query = "HoldfastCost > 0.1 AND HoldfastTurns = 2"
                found = [each.id async for each in client.list_workflows(query)]
        assert found == ["w"]


async def test_the_command_for_administrators_does_the_same(tmp_path: Path) -> None:
    async with DevServer(tmp_path, memory=True, ui=False) as server:
        client = await connect(server.address)
        await client.operator_service.remove_search_attributes(
            RemoveSearchAttributesRequest(namespace="default", search_attributes=list(attributes.TYPES))
        )
        command = attributes.command("default").split()
        process = await asyncio.create_subprocess_exec(
            binary.find(), *command[1:], "--address", server.address, stdout=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(60):
            assert await process.wait() == 0
        listed = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace="default")
        )
        assert set(attributes.TYPES) <= set(listed.custom_attributes)


async def test_a_run_has_a_link_where_the_ui_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: DevServer
) -> None:
    async with DevServer(tmp_path, memory=True) as own:
        client = await connect(own.address.replace("127.0.0.1", "localhost"))
        page = f"{own.ui}/namespaces/default/workflows/order%2F42/run-1"
        assert run_link(client, "order/42", "run-1", folder=tmp_path) == page
        assert run_link(await connect(server.address), "x", folder=tmp_path) == ""
    monkeypatch.setenv("HOLDFAST_UI", "https://ui.example/")
    assert run_link(client, "x") == "https://ui.example/namespaces/default/workflows/x"
