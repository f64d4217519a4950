"""Every handler and activity has a rule, so that a new one without a rule is noticed."""

from __future__ import annotations

from temporalio.workflow import _Definition  # pyright: ignore[reportPrivateUsage] - the SDK has no public list

from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.control import access
from holdfast_workflows.session import AgentWorkflow
from holdfast_workflows.teams.fleet import FleetWorkflow

_CONTROLLED = (AgentWorkflow, FleetWorkflow)


def test_every_update_query_and_signal_has_a_rule() -> None:
    found = [_Definition.must_from_class(each) for each in _CONTROLLED]
    assert {name for each in found for name in each.updates if name} == set(access.UPDATES)
    assert {name for each in found for name in each.queries if name} == set(access.QUERIES)
    assert {name for each in found for name in each.signals if name} == set(access.SIGNALS)


def test_every_update_has_a_validator_since_only_a_validator_can_refuse_unseen() -> None:
    updates = [_Definition.must_from_class(each).updates.values() for each in _CONTROLLED]
    assert all(update.validator is not None for each in updates for update in each)


def test_every_activity_has_exactly_one_rule() -> None:
    groups = [access.OF_SESSION, access.OF_TENANT, access.OF_DEPLOYMENT, access.INTERNAL]
    ruled = [name for group in groups for name in group]
    assert sorted(ruled) == sorted(names.RESERVED)


def test_every_workflow_has_a_rule() -> None:
    assert set(access.STARTS) == names.OWN_WORKFLOWS - {names.IDENTITY_WORKFLOW}
