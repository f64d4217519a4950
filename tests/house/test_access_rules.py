"""Every handler and activity has a rule, so that a new one without a rule is noticed."""

from __future__ import annotations

from temporalio.workflow import _Definition  # pyright: ignore[reportPrivateUsage] - the SDK has no public list

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control import access
from holdfast_workflows.session import AgentWorkflow


def test_every_update_query_and_signal_of_a_session_has_a_rule() -> None:
    found = _Definition.must_from_class(AgentWorkflow)
    assert set(filter(None, found.updates)) == set(access.UPDATES)
    assert set(filter(None, found.queries)) == set(access.QUERIES)
    assert set(filter(None, found.signals)) == set(access.SIGNALS)


def test_every_update_has_a_validator_since_only_a_validator_can_refuse_unseen() -> None:
    updates = _Definition.must_from_class(AgentWorkflow).updates
    assert all(each.validator is not None for each in updates.values())


def test_every_activity_has_exactly_one_rule() -> None:
    groups = [access.OF_SESSION, access.OF_TENANT, access.OF_DEPLOYMENT, access.INTERNAL]
    ruled = [name for group in groups for name in group]
    assert sorted(ruled) == sorted(names.RESERVED)


def test_every_workflow_has_a_rule() -> None:
    assert set(access.STARTS) == names.OWN_WORKFLOWS - {names.IDENTITY_WORKFLOW}
