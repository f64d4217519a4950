"""Each protection of identity, attacked by a client of Temporal that does not use the SDK."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from holdfast import HoldfastError, InvalidCredential, NotPermitted, SessionNotFound
from holdfast.testing import say
from holdfast_activities.identity import api_keys
from holdfast_temporal.identity.exchange import exchange
from holdfast_temporal.identity.signing import signed_client
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control import access
from holdfast_workflows.contracts.control.assertions import (
    HEADER,
    Key,
    Request,
    SignedRequest,
    issue,
    prove,
    read,
)
from holdfast_workflows.contracts.control.identity import Grant
from holdfast_workflows.contracts.errors import from_failure
from holdfast_workflows.contracts.operations.content import LogPage, ReadLog
from holdfast_workflows.contracts.session.session import Message, StartInput

from ...support import always, eventually
from .conftest import SECRET, Guarded, Guarding

_SECONDS = timedelta(seconds=10)

_FOR_CLIENTS = {*access.OF_SESSION, *access.OF_TENANT, *access.OF_DEPLOYMENT}


class Signer:
    """Signs as an attacker would: with a changed assertion, key, request or time."""

    def __init__(self, grant: Grant, **changes: Any) -> None:
        self._grant, self._changes = grant, changes

    async def sign(self, request: Request) -> SignedRequest:
        """Return a header with the changes."""
        fields = {name: self._changes.get(name, getattr(request, name)) for name in vars(request)}
        at = time.time() + self._changes.get("shift", 0.0)
        key = bytes.fromhex(self._changes.get("proof_key", self._grant.proof_key))
        assertion = self._changes.get("assertion", self._grant.assertion)
        return SignedRequest(assertion=assertion, at=at, proof=prove(Request(**fields), at, key))


class Replaying(Interceptor):
    """Sends a header that was read in a history, with whatever request."""

    def __init__(self, header: Payload) -> None:
        self._header = header

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        header = self._header

        class Outbound(OutboundInterceptor):
            async def start_workflow_update(self, input: Any) -> Any:  # noqa: A002
                input.headers = {HEADER: header}
                return await super().start_workflow_update(input)

            async def start_workflow(self, input: Any) -> Any:  # noqa: A002
                input.headers = {HEADER: header}
                return await super().start_workflow(input)

            async def start_activity(self, input: Any) -> Any:  # noqa: A002
                input.headers = {HEADER: header}
                return await super().start_activity(input)

            async def query_workflow(self, input: Any) -> Any:  # noqa: A002
                input.headers = {HEADER: header}
                return await super().query_workflow(input)

        return Outbound(next)


async def grant(it: Guarded, name: str = "ann") -> Grant:
    """The grant for one of the API keys."""
    return await exchange(it.environment.temporal, it.environment.task_queue, it.keys[name])


async def attacked(client: Client, session: str, name: str = "pause", args: Sequence[Any] = ()) -> None:
    """An update, as any client of Temporal can send it."""
    handle: Any = client.get_workflow_handle(session)
    await handle.execute_update(name, args=args)


async def refusal(call: Awaitable[None]) -> HoldfastError | None:
    """The error that a request is refused with, or None."""
    try:
        await call
    except WorkflowUpdateFailedError as error:
        return from_failure(error)
    return None


def replaying(it: Guarded, header: Payload) -> Client:
    """A client that sends this header."""
    config: Any = it.environment.temporal.config()
    config["interceptors"] = [Replaying(header)]
    return Client(**config)


async def header_of(it: Guarded, session: str, update: str) -> Payload:
    """The header of an update, read in the session's history."""
    handle = it.environment.temporal.get_workflow_handle(session)
    async for event in handle.fetch_history_events():
        accepted = event.workflow_execution_update_accepted_event_attributes.accepted_request
        if accepted.input.name == update:
            return accepted.input.header.fields[HEADER]
    raise AssertionError(f"no update {update}")


CHANGED: dict[str, dict[str, Any]] = {
    "an expired proof": {"shift": -120.0},
    "a proof from the future": {"shift": 120.0},
    "a proof for another kind": {"kind": "query"},
    "a proof for another namespace": {"namespace": "other"},
    "a proof for another session": {"target": "other"},
    "a proof for another handler": {"name": "resume"},
    "a proof for other arguments": {"digest": "other"},
    "a proof for another update": {"id": "other"},
    "a proof with another key": {"proof_key": "00" * 32},
}


async def test_a_changed_proof_or_assertion_is_refused(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        session = await (await it.client("backend")).start("helper", "Hi")
        await session.wait()
        mine = await grant(it, "operator")
        attacks = dict(CHANGED)
        claimed = read(mine.assertion)
        assert claimed is not None
        changes: dict[str, dict[str, Any]] = {
            "a role that was added": {
                "principal": mine.principal.model_copy(update={"roles": ("user", "operator")})
            },
            "a longer life": {"expires": 1e12},
        }
        for what, change in changes.items():
            text, key = issue(
                claimed.model_copy(update=change), Key.of(b"a key that is not the deployment's")
            )
            attacks[what] = {"assertion": text, "proof_key": key.hex()}
        text, key = issue(claimed.model_copy(update={"expires": time.time() - 1}), Key.of(SECRET.encode()))
        attacks["an assertion that has expired"] = {"assertion": text, "proof_key": key.hex()}
        unnoticed: list[str] = []
        for what, change in attacks.items():
            client = signed_client(it.environment.temporal, Signer(mine, **change))
            if not isinstance(await refusal(attacked(client, session.id)), SessionNotFound):
                unnoticed.append(what)
        assert not unnoticed
        # Without a change the same request is accepted.
        await attacked(signed_client(it.environment.temporal, Signer(mine)), session.id)


async def test_a_header_read_in_a_history_is_of_no_use_for_anything_else(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        ann = await it.client("ann")
        session, other = await ann.start("helper", "Hi"), await ann.start("helper", "Hi")
        await session.wait()
        await session.send("Again")
        client = replaying(it, await header_of(it, session.id, "send"))
        message = Message(id="m-1", text="From another")
        for target, name, args in (
            (session.id, "send", (message,)),
            (other.id, "send", (message,)),
            (session.id, "close", ()),
        ):
            with pytest.raises(WorkflowUpdateFailedError) as failed:
                await attacked(client, target, name, args)
            assert isinstance(from_failure(failed.value), SessionNotFound)
        handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(session.id)
        with pytest.raises(WorkflowQueryFailedError):
            await handle.query("view", 0)
        with pytest.raises(Exception) as refused:
            await client.execute_activity(
                names.READ_LOG,
                args=[ReadLog(session=session.id)],
                id=str(uuid4()),
                task_queue=it.environment.task_queue,
                result_type=LogPage,
                start_to_close_timeout=_SECONDS,
            )
        assert isinstance(from_failure(refused.value), SessionNotFound)
        with pytest.raises(WorkflowFailureError) as start:
            await client.execute_workflow(
                names.WORKFLOW,
                StartInput(agent="helper", message=message),
                id=f"stolen-{uuid4()}",
                task_queue=it.environment.task_queue,
            )
        assert getattr(from_failure(start.value), "code", "") == "invalid_credential"


async def test_a_revoked_key_ends_the_assertions_made_from_it(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        ann = await it.client("ann")
        session = await ann.start("helper", "Hi")
        await session.wait()
        api_keys.revoke(it.file, "ann")

        async def refused() -> bool:
            try:
                await session.view()
            except HoldfastError:
                return True
            return False

        await eventually(refused, within=10)


async def test_no_history_contains_a_credential_or_a_proof_key(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        mine = await grant(it)
        session = await (await it.client("ann")).start("helper", "Hi")
        await session.wait()
        for id in (session.id, names.identity_id(it.environment.task_queue)):
            handle = it.environment.temporal.get_workflow_handle(id)
            text = (await handle.fetch_history()).to_json()
            assert it.keys["ann"] not in text
            assert it.keys["ann"].rpartition("_")[2] not in text
            assert mine.proof_key not in text


async def test_a_start_that_claims_another_tenant_fails_and_is_not_listed_for_it(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        client = signed_client(it.environment.temporal, Signer(await grant(it, "eve")))
        for given in (
            StartInput(agent="helper", tenant="acme"),
            StartInput(agent="helper", user="ann"),
            StartInput(agent="helper", account="run:another-session"),
        ):
            with pytest.raises(WorkflowFailureError) as failed:
                await client.execute_workflow(
                    names.WORKFLOW, given, id=f"claimed-{uuid4()}", task_queue=it.environment.task_queue
                )
            assert isinstance(from_failure(failed.value), NotPermitted)


async def test_a_state_that_was_not_carried_by_another_run_is_refused(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        client = signed_client(it.environment.temporal, Signer(await grant(it, "eve")))
        forged: Any = {"agent": "helper", "carry": {"principal": {"id": "root", "kind": "operator"}}}
        with pytest.raises(WorkflowFailureError) as failed:
            await client.execute_workflow(
                names.WORKFLOW, forged, id=f"carried-{uuid4()}", task_queue=it.environment.task_queue
            )
        assert getattr(from_failure(failed.value), "code", "") == "bad_input"


async def test_a_new_session_cannot_continue_the_log_of_an_ended_one_of_others(guarding: Guarding) -> None:
    async with guarding(always(say("Secret."))) as it:
        session = await (await it.client("ann")).start("helper", "Hi", id=f"ended-{uuid4()}")
        await session.wait()
        await session.close()
        await session.result()
        client = signed_client(it.environment.temporal, Signer(await grant(it, "eve")))
        with pytest.raises(WorkflowFailureError) as failed:
            await client.execute_workflow(
                names.WORKFLOW,
                StartInput(agent="helper"),
                id=session.id,
                task_queue=it.environment.task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            )
        assert isinstance(from_failure(failed.value), SessionNotFound)


async def test_a_tool_or_a_step_cannot_be_run_outside_a_session(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        root = signed_client(it.environment.temporal, Signer(await grant(it, "root")))
        for name in ("look", *sorted(names.RESERVED)):
            if name in _FOR_CLIENTS:
                continue
            with pytest.raises(Exception) as failed:
                await root.execute_activity(
                    name,
                    id=str(uuid4()),
                    task_queue=it.environment.task_queue,
                    start_to_close_timeout=_SECONDS,
                    schedule_to_close_timeout=_SECONDS,
                )
            assert isinstance(from_failure(failed.value), NotPermitted | InvalidCredential), name


async def test_a_message_into_a_session_that_is_only_starting_is_refused(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        eve = signed_client(it.environment.temporal, Signer(await grant(it, "eve")))
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            names.WORKFLOW,
            StartInput(agent="helper", tenant="acme"),
            id=f"starting-{uuid4()}",
            task_queue=it.environment.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        )
        client: Any = eve  # its overloads for updates are partly untyped
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await client.execute_update_with_start_workflow(
                "send", Message(id="m", text="Hi"), start_workflow_operation=start
            )
        assert isinstance(from_failure(failed.value), HoldfastError)


async def test_an_unsigned_or_foreign_signal_is_dropped(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        ann = await it.client("ann")
        session = await ann.start("helper", "Hi")
        await session.wait()
        message = Message(id="m-2", text="From another", by="ann")
        for client in (
            it.environment.temporal,
            signed_client(it.environment.temporal, Signer(await grant(it, "eve"))),
            signed_client(it.environment.temporal, Signer(await grant(it, "ann"))),
        ):
            await client.get_workflow_handle(session.id).signal("post", message)

        async def answered() -> bool:
            return (await session.view()).turn == 2

        await eventually(answered)
        turns = [turn async for turn in session.turns()]
        assert [turn.request for turn in turns] == ["Hi", "From another"]
        assert (await session.view()).last is not None
        texts = [entry.text async for entry in session.log()]
        assert texts.count("From another") == 1


async def test_the_temporal_servers_own_queries_are_refused_without_a_credential(guarding: Guarding) -> None:
    async with guarding(always(say("Hello."))) as it:
        session = await (await it.client("ann")).start("helper", "Hi")
        await session.wait()
        handle = it.environment.temporal.get_workflow_handle(session.id)
        for name in ("__temporal_workflow_metadata", "__stack_trace", "no_such_query"):
            with pytest.raises(WorkflowQueryFailedError, match="No session has that id"):
                await handle.query(name)
