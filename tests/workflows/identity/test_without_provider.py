"""Sessions of a deployment without an identity provider."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, Interceptor, OutboundInterceptor, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from holdfast.testing import say
from holdfast_workflows.contracts.control.assertions import HEADER, Assertion, Key, SignedRequest, issue
from holdfast_workflows.contracts.control.identity import LOCAL_OPERATOR, Principal

from ..conftest import Start


class Forged(Interceptor):
    """Claims to be another principal, with a key that the deployment does not have."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        return _Forging(next)


class _Forging(OutboundInterceptor):
    async def start_workflow_update(self, input: Any) -> Any:  # noqa: A002
        claimed = Assertion(principal=Principal(id="root"), issued=0, expires=1e12, nonce="n")
        text, _ = issue(claimed, Key.of(b"mine"))
        signed = SignedRequest(assertion=text, at=0, proof="")
        input.headers = {HEADER: Payload(data=signed.model_dump_json().encode())}
        return await super().start_workflow_update(input)


async def test_a_claimed_principal_is_refused_where_nothing_can_verify_it(start: Start) -> None:
    async with start([say("Hello."), say("Still here.")]) as it:
        session = await it.holdfast.client.start("helper", "Hi")
        await session.wait()
        config: Any = it.holdfast.temporal.config()
        config["interceptors"] = [Forged()]
        forging = Client(**config)
        handle: Any = forging.get_workflow_handle(session.id)
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await handle.execute_update("pause")
        cause = failed.value.cause
        assert isinstance(cause, ApplicationError)
        assert cause.type == "no_identity_provider"
        assert (await session.send("Are you there?")).text == "Still here."


def test_the_local_operator_has_every_role_and_every_tenant() -> None:
    assert set(LOCAL_OPERATOR.roles) == {"user", "approver", "operator", "auditor"}
    assert not LOCAL_OPERATOR.tenant
