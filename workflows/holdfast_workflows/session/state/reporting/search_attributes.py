"""Search attributes of a session. They change per turn, never per step, since each change is an event."""

from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from holdfast_workflows.contracts import names

from ..state import SessionState
from . import actions

_AGENT = SearchAttributeKey.for_keyword(names.ATTRIBUTE_AGENT)
_TENANT = SearchAttributeKey.for_keyword(names.ATTRIBUTE_TENANT)
_USER = SearchAttributeKey.for_keyword(names.ATTRIBUTE_USER)
_STATUS = SearchAttributeKey.for_keyword(names.ATTRIBUTE_STATUS)
_WAITING = SearchAttributeKey.for_keyword(names.ATTRIBUTE_WAITING)
_COST = SearchAttributeKey.for_float(names.ATTRIBUTE_COST)
_TURNS = SearchAttributeKey.for_int(names.ATTRIBUTE_TURNS)


def at_start(state: SessionState) -> None:
    """Set attributes that the starter left out: any Temporal client can start a session."""
    known = workflow.info().typed_search_attributes
    if known.get(_AGENT) is None:
        changes: list[SearchAttributeUpdate[Any]] = [
            _AGENT.value_set(state.start.agent),
            _STATUS.value_set("running"),
        ]
        if state.start.tenant:
            changes.append(_TENANT.value_set(state.start.tenant))
        if state.start.user:
            changes.append(_USER.value_set(state.start.user))
        _upsert(*changes)
    elif state.principal is not None and (
        (known.get(_TENANT) or "", known.get(_USER) or "") != (state.start.tenant, state.start.user)
    ):
        _upsert(
            _TENANT.value_set(state.start.tenant) if state.start.tenant else _TENANT.value_unset(),
            _USER.value_set(state.start.user) if state.start.user else _USER.value_unset(),
        )


def status(state: SessionState) -> None:
    """Update the status and what waits for a person, if they have changed."""
    known, items = workflow.info().typed_search_attributes, state.inbox.unanswered
    kind = items[0].kind if items else None
    changes: list[SearchAttributeUpdate[Any]] = []
    if known.get(_STATUS) != state.status:
        changes.append(_STATUS.value_set(state.status))
    # A paused session is updated when it is resumed.
    if known.get(_WAITING) != kind and (changes or state.status != "paused"):
        changes.append(_WAITING.value_set(kind) if kind else _WAITING.value_unset())
    if changes:
        _upsert(*changes)


def agent(state: SessionState) -> None:
    """Update the agent after a handoff."""
    _upsert(_AGENT.value_set(state.agent))


def with_totals(state: SessionState) -> None:
    """Update status and totals."""
    _upsert(
        _STATUS.value_set(state.status),
        _COST.value_set(round(state.usage.cost, 6)),
        _TURNS.value_set(state.turns),
    )


def disown() -> None:
    """Remove the tenant and the user that a refused start has claimed."""
    _upsert(_TENANT.value_unset(), _USER.value_unset())


def _upsert(*changes: SearchAttributeUpdate[Any]) -> None:
    actions.count()
    # The SDK leaves a type argument out of its own annotation.
    workflow.upsert_search_attributes(changes)  # pyright: ignore[reportUnknownMemberType]
