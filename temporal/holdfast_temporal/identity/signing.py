"""The interceptor that signs a client's requests: starts, updates, signals, queries and standalone activities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    QueryWorkflowInput,
    SignalWorkflowInput,
    StartActivityInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    StartWorkflowUpdateWithStartInput,
)

from holdfast_workflows.contracts.control.assertions import HEADER, Request, RequestKind, digest_of
from holdfast_workflows.contracts.errors import BadInput

from .grants import Signer

_JSON = {"encoding": b"json/plain"}


def signed_client(client: Client, signer: Signer) -> Client:
    """Return a client of the same connection that signs its requests."""
    config: Any = client.config()  # its type allows no change
    config["interceptors"] = [*config["interceptors"], _Signing(signer, client.namespace)]
    return Client(**config)


class _Signing(Interceptor):
    def __init__(self, signer: Signer, namespace: str) -> None:
        self._signer = signer
        self._namespace = namespace

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        return _Outbound(next, self._signer, self._namespace)


class _Outbound(OutboundInterceptor):
    def __init__(self, following: OutboundInterceptor, signer: Signer, namespace: str) -> None:
        super().__init__(following)
        self._signer = signer
        self._namespace = namespace

    async def start_workflow(self, input: StartWorkflowInput) -> Any:  # noqa: A002
        input.headers = await self._signed(input.headers, "start", input.id, input.workflow, input.args)
        return await super().start_workflow(input)

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:  # noqa: A002
        input.headers = await self._signed(input.headers, "query", input.id, input.query, input.args)
        return await super().query_workflow(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:  # noqa: A002
        input.headers = await self._signed(input.headers, "signal", input.id, input.signal, input.args)
        await super().signal_workflow(input)

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> Any:  # noqa: A002
        input.update_id = input.update_id or str(uuid4())
        input.headers = await self._signed(
            input.headers, "update", input.id, input.update, input.args, input.update_id
        )
        return await super().start_workflow_update(input)

    async def start_update_with_start_workflow(self, input: StartWorkflowUpdateWithStartInput) -> Any:  # noqa: A002
        start, update = input.start_workflow_input, input.update_workflow_input
        update.update_id = update.update_id or str(uuid4())
        start.headers = await self._signed(start.headers, "start", start.id, start.workflow, start.args)
        update.headers = await self._signed(
            update.headers, "update", start.id, update.update, update.args, update.update_id
        )
        return await super().start_update_with_start_workflow(input)

    async def start_activity(self, input: StartActivityInput) -> Any:  # noqa: A002
        input.headers = await self._signed(
            input.headers, "activity", input.id, input.activity_type, input.args
        )
        return await super().start_activity(input)

    async def _signed(
        self,
        headers: Mapping[str, Payload],
        kind: RequestKind,
        target: str,
        name: str,
        args: Sequence[object],
        id: str = "",
    ) -> dict[str, Payload]:
        try:
            digest = digest_of(args)
        except (TypeError, ValueError) as error:
            raise BadInput(
                f"{kind} {name}: arguments must be JSON values or Holdfast's contracts: {error}"
            ) from error
        signed = await self._signer.sign(Request(kind, self._namespace, target, name, digest, id))
        return {**headers, HEADER: Payload(metadata=_JSON, data=signed.model_dump_json().encode())}
