"""Queries that were lost with their worker."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import Client as TemporalClient
from temporalio.client import Interceptor, OutboundInterceptor, QueryWorkflowInput
from temporalio.service import RPCError, RPCStatusCode

from holdfast.testing import say
from holdfast_client import connect
from holdfast_workflows.contracts.errors import ServiceError

from ..conftest import Running


class Failing(Interceptor):
    """Fails the first queries with the given errors."""

    def __init__(self, *answers: RPCError) -> None:
        self.left = list(answers)

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 # the SDK's name
        return _Failing(next, self.left)


class _Failing(OutboundInterceptor):
    def __init__(self, inner: OutboundInterceptor, left: list[RPCError]) -> None:
        super().__init__(inner)
        self._left = left

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002 # the SDK's name
        if self._left:
            raise self._left.pop(0)
        return await super().query_workflow(input)


def lost() -> RPCError:
    """The error of server 1.9 for a query whose worker lost its connection."""
    return RPCError("context canceled", RPCStatusCode.CANCELLED, b"")


async def test_a_lost_query_is_sent_again(running: Running) -> None:
    async with running([say("Hello.")]) as holdfast:
        session = await holdfast.client.start("helper", "Hi!")
        await session.wait(raise_on_error=False)
        config = holdfast.temporal.config()
        config["interceptors"] = [failing := Failing(lost(), lost())]
        client = await connect(temporal=TemporalClient(**config), task_queue=holdfast.task_queue)
        assert (await client.session(session.id).view()).turn == 1
        assert failing.left == []


async def test_a_refused_query_is_not_sent_again(running: Running) -> None:
    async with running([say("Hello.")]) as holdfast:
        session = await holdfast.client.start("helper", "Hi!")
        config = holdfast.temporal.config()
        refused = RPCError("no such thing", RPCStatusCode.UNIMPLEMENTED, b"")
        config["interceptors"] = [failing := Failing(refused, lost())]
        client = await connect(temporal=TemporalClient(**config), task_queue=holdfast.task_queue)
        with pytest.raises(ServiceError, match="no such thing"):
            await client.session(session.id).view()
        assert len(failing.left) == 1
