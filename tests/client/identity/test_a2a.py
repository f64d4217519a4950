"""Callers of an app's A2A server act as the principals of their credentials."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from a2a.client.errors import AgentCardResolutionError
from a2a.types import GetTaskRequest, ListTasksRequest
from a2a.utils.errors import TaskNotFoundError

from holdfast.testing import say
from holdfast_client.a2a_server.app import Served
from holdfast_client.serving.callers import Callers

from ...support import always
from ..a2a_server.support import Serving, listening, message, send, session_of
from .conftest import Guarded, Guarding


@asynccontextmanager
async def served(it: Guarded) -> AsyncGenerator[Serving]:
    callers = Callers(it.environment.temporal, it.environment.task_queue)
    async with listening(lambda url: Served(callers, url, secured=True)) as url:
        yield Serving(url, it.environment)


async def test_a_task_runs_as_its_callers_principal_and_belongs_to_it(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it, served(it) as serving:
        ids: list[str] = []
        for name in ("ann", "bob"):
            async with serving.client(token=it.keys[name]) as client:
                task = await send(client, message("Hi", context="same", id="same"))
                ids.append(session_of(task))
                listed = await client.list_tasks(ListTasksRequest())
                assert [each.id for each in listed.tasks] in ([task.id], [])  # the index may be a second late
        assert ids[0] != ids[1]
        view = await (await it.client("ann")).session(ids[0]).view()
        assert (view.tenant, view.user, view.started_by) == ("acme", "ann", "ann")
        async with serving.client(token=it.keys["eve"]) as client:
            with pytest.raises(TaskNotFoundError):
                await client.get_task(GetTaskRequest(id="same.1"))


@pytest.mark.parametrize("token", ["", "guess", "file:/etc/hostname", "env:IDENTITY_KEY"])
async def test_a_caller_without_a_valid_credential_sees_and_starts_nothing(
    guarding: Guarding, token: str
) -> None:
    async with guarding(always(say("Hello."))) as it, served(it) as serving:
        with pytest.raises(AgentCardResolutionError, match="401"):
            async with serving.client(token=token):
                pass
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(headers=headers) as http:
            assert (await http.post(f"{serving.url}/helper/", json={})).status_code == 401
