"""Run cases over variants of an agent: each trial is a fork of the case, on a Holdfast of its own."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from holdfast_client import Client
from holdfast_workers.startup.loading import App
from holdfast_workflows.contracts.agent.app import Registry
from holdfast_workflows.contracts.errors import BadInput, HoldfastError, ServiceError, UnknownAgent
from holdfast_workflows.contracts.evaluation.cases import Case
from holdfast_workflows.contracts.evaluation.outcomes import Outcome, outcome_of
from holdfast_workflows.contracts.problems import problem_of

from ..environment import Environment
from ..server.server import ScriptedModel
from ..server.spawn import SpawnedModel
from . import files, judging
from .results import Evaluation, Trial
from .scoring import Judge, Scorer, scored, scores


@dataclass(frozen=True)
class Variant:
    """The agents of the app with another model or other instructions; without any, as they are."""

    name: str = "app"
    model: str = ""
    instructions: str | None = None


@dataclass(frozen=True)
class _Judged:
    """The app with the judge."""

    app: App
    judge: Any

    def registry(self) -> Registry:
        found = self.app.registry()
        if self.judge is None:
            return found
        return replace(
            found,
            agents={**found.agents, judging.NAME: self.judge.spec},
            tools={**found.tools, judging.NAME: self.judge.functions},
        )


async def evaluate(
    app: App,
    cases: Sequence[Case],
    *,
    variants: Sequence[Variant] = (Variant(),),
    repetitions: int = 1,
    judge: str = "",
    scorers: Mapping[str, Scorer] | None = None,
    model: ScriptedModel | SpawnedModel | None = None,
    concurrency: int = 8,
    **environment: Any,
) -> Evaluation:
    """Run each case with each variant, so many times, and score the outcomes.

    Calls of tools get the recorded results of the case; with ``case.reads="live"`` other calls without effects are made.

    Args:
        app: The app whose agents are evaluated, as its code is now.
        cases: The cases, such as from ``load_cases``.
        variants: What to compare.
        repetitions: How often each case runs; a model's replies differ.
        judge: The model that judges, for cases that expect it.
        scorers: Functions that score every case, by name.
        model: A scripted model; by default the providers are called.
        concurrency: How many trials run at the same time.
        environment: Options of ``Environment.start``.

    Raises:
        BadInput: A case or a variant is not valid.
        UnknownAgent: The app does not have the agent of a case.
    """
    files.check(cases)
    names = [variant.name for variant in variants]
    if repetitions < 1 or concurrency < 1 or not names or len(set(names)) < len(names):
        raise BadInput(
            "repetitions and concurrency are at least 1, and variants have different names: "
            f"{repetitions}, {concurrency}, {names}"
        )
    judging_agent = judging.agent(judge) if judge else None
    async with Environment.start(_Judged(app, judging_agent), model, **environment) as holdfast:
        asked = judging.judge_of(holdfast.client, judging_agent) if judging_agent is not None else None
        run = _Run(holdfast, asked, scorers or {}, asyncio.Semaphore(concurrency))
        stored = {case.name: await _stored(holdfast, app.registry(), case) for case in cases}
        trials = await asyncio.gather(
            *(
                run.trial(case, stored[case.name], variant, repetition)
                for repetition in range(1, repetitions + 1)
                for variant in variants
                for case in cases
            )
        )
    return Evaluation(tuple(names), tuple(case.name for case in cases), tuple(trials))


async def _stored(holdfast: Environment, registry: Registry, case: Case) -> str:
    """Write a case's log to the state database, and return the session that it is forked from."""
    spec = registry.agents.get(case.agent)
    if spec is None:
        raise UnknownAgent(
            f"case {case.name!r} is of {case.agent!r}; the app has {', '.join(sorted(registry.agents))}"
        )
    session = f"case-{hashlib.sha256(case.model_dump_json().encode()).hexdigest()[:20]}"
    body = spec.model_dump_json()
    digest = hashlib.sha256(body.encode()).hexdigest()[:24]
    await holdfast.state.open_session(session, case.agent, digest, "", case.user, spec=body)
    for start in range(0, len(case.log), 100):
        await holdfast.state.log.settle(session, case.log[start : start + 100])
    return session


@dataclass(frozen=True)
class _Run:
    """What all trials share."""

    holdfast: Environment
    judge: Judge | None
    scorers: Mapping[str, Scorer]
    room: asyncio.Semaphore

    async def trial(self, case: Case, session: str, variant: Variant, repetition: int) -> Trial:
        async with self.room:
            nothing = Outcome(session=session, turn=case.turn)
            try:
                outcome = await _outcome(self.holdfast.client, case, session, variant)
                made = Trial(case.name, variant.name, repetition, outcome)
                if outcome.error is not None and outcome.error.retryable:
                    # A provider that does not answer says nothing about quality.
                    return replace(made, error=f"{outcome.error.code}: {outcome.error.message}")
                found = await scores(case, outcome, self.judge)
                more = [await scored(each, case, outcome, name) for name, each in self.scorers.items()]
                return replace(made, scores=(*found, *more))
            except HoldfastError as error:
                if not (error.retryable or isinstance(error, ServiceError)):
                    raise
                return Trial(case.name, variant.name, repetition, nothing, error=str(error))


async def _outcome(client: Client, case: Case, session: str, variant: Variant) -> Outcome:
    forked = await client.session(session).fork(
        case.step,
        turn=case.turn,
        model=variant.model,
        instructions=variant.instructions,
        current=True,
        reads=case.reads,
    )
    reply = await forked.wait(case.turn, raise_on_error=False)
    entries = [entry async for entry in forked.transcript(case.seq)]
    error = None if reply.error is None else problem_of(reply.error)
    return outcome_of(entries, session=forked.id, turn=case.turn, status=reply.status, error=error)
