"""A worker with one protection off, to show that the protection is needed: ``python -m tests.chaos.careless``."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from temporalio.worker import Worker

from holdfast_activities import Activities
from holdfast_activities.memory import make_memories
from holdfast_activities.models import Models
from holdfast_activities.models.base import Model, ModelReply, ModelRequest
from holdfast_activities.resilience import Resilience
from holdfast_activities.session import activities as session_activities
from holdfast_activities.session.common.run_tool import ToolRun
from holdfast_activities.session.tool_call import act
from holdfast_activities.session.tool_call.ledger import Claim, Ledger
from holdfast_activities.session.tool_call.request import call_of
from holdfast_activities.state import State, open_state
from holdfast_activities.state.coordination.approvals import Use
from holdfast_activities.state.log.extras import Amount, Charge, Charged, LogExtras, Settled
from holdfast_temporal import connect
from holdfast_workers.settings import Settings
from holdfast_workflows.contracts.errors import ModelError
from holdfast_workflows.contracts.operations.breakers import BreakerView
from holdfast_workflows.contracts.operations.effects import EffectView
from holdfast_workflows.contracts.session.entries import Entry, ResultEntry
from holdfast_workflows.contracts.session.steps import ActInput
from holdfast_workflows.session import AgentWorkflow

from .app import CARELESS, app


class Replaced:
    """An object with some attributes replaced."""

    def __init__(self, whole: object, **parts: object) -> None:
        self._whole, self._parts = whole, parts

    def __getattr__(self, name: str) -> Any:
        return self._parts[name] if name in self._parts else getattr(self._whole, name)


class NoLedger(Ledger):
    """Ignores what was done before."""

    async def settled(self, request: ActInput) -> ResultEntry | None:
        """Return None, whatever is recorded."""
        return None

    async def claim(self, row: EffectView, over: str = "", use: Use | None = None) -> Claim:
        """Grant every claim."""
        return Claim(row, over, ours=True)


def _fresh_key(request: ActInput, name: str, arguments: str, key: str) -> ToolRun:
    """Gives the call a new key at every attempt."""
    return call_of(request, name, arguments, f"{key}-{uuid.uuid4().hex}")


async def _closed(name: str, *_: object, **__: object) -> BreakerView:
    """A breaker that stays closed."""
    return BreakerView(name=name)


def _without_reservation(charge: Charge) -> Charge:
    """Reserve one token only."""
    return replace(charge, reservation=Amount(1)) if charge.reservation != Amount() else charge


def _without_reservations(state: State) -> State:
    log, budgets = state.log, state.budgets

    async def settle_with(session: str, entries: Sequence[Entry], extras: LogExtras) -> Settled:
        charge = extras.charge and _without_reservation(extras.charge)
        return await log.settle_with(session, entries, replace(extras, charge=charge))

    async def charge(given: Charge) -> Charged:
        return await budgets.charge(_without_reservation(given))

    return cast(
        "State",
        Replaced(state, budgets=Replaced(budgets, charge=charge), log=Replaced(log, settle_with=settle_with)),
    )


def _without_breakers(state: State) -> State:
    breakers = Replaced(state.breakers, failed=_closed, succeeded=_closed)
    return cast("State", Replaced(state, breakers=breakers))


async def _none(*_: object, **__: object) -> list[object]:
    """Return nothing to apply, whatever waits."""
    return []


async def _zero() -> int:
    return 0


def _without_outbox(state: State) -> State:
    outbox = Replaced(state.outbox, claim=_none, waiting=_zero)
    return cast("State", Replaced(state, outbox=outbox))


_STATES: dict[str, Callable[[State], State]] = {
    "reservations": _without_reservations,
    "breakers": _without_breakers,
    "outbox": _without_outbox,
}


class Insisting:
    """Models whose client retries below Temporal, as libraries do by default."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def get(self, name: str) -> Model:
        """The model, which asks up to three times."""
        model = self._models.get(name)

        async def complete(request: ModelRequest, on_text: Callable[[str], None] | None = None) -> ModelReply:
            for _ in range(2):
                try:
                    return await model.complete(request, on_text)
                except ModelError as error:
                    if not error.retryable:
                        raise
            return await model.complete(request, on_text)

        return cast("Model", Replaced(model, complete=complete))


async def main(careless: str) -> None:
    """Serve the App without the protection named, until the process is killed."""
    settings = Settings.load()
    client = await connect(settings.temporal_address)
    state = await open_state(settings.state())
    guarded = _STATES[careless](state) if careless in _STATES else state
    providers = settings.model_providers()
    models, resilience = Models(providers), Resilience(guarded)
    if careless == "ledger":
        setattr(session_activities, "Ledger", NoLedger)  # noqa: B010 - a class is not to be assigned to
        setattr(act, "call_of", _fresh_key)  # noqa: B010 - mypy sees no export of it
    activities = Activities(
        app.registry(),
        guarded,
        Insisting(models) if careless == "client" else models,
        resilience,
        memory=make_memories(
            settings.memory(), settings.embeddings, settings.home, providers, resilience.breakers
        ),
    )
    worker = Worker(
        client, task_queue=settings.task_queue, workflows=[AgentWorkflow], activities=activities.all()
    )
    logging.getLogger(__name__).warning("worker started without %s", careless)
    await worker.run()


if __name__ == "__main__":
    asyncio.run(main(os.environ[CARELESS]))
