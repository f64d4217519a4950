"""The steps of one ``think`` activity. Each is settled in the log before the next one starts."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.context import Conversations, TokenCalibration
from holdfast_activities.resilience import Choice, Resilience
from holdfast_activities.state.database import State
from holdfast_activities.state.log.extras import CachedReplyRow, LogExtras
from holdfast_activities.tracing import at_step
from holdfast_workflows.contracts.agent.budget import Spent
from holdfast_workflows.contracts.errors import HoldfastError, StateError, StateUnavailable
from holdfast_workflows.contracts.limits import MAX_CALLS
from holdfast_workflows.contracts.operations.breakers import TenantLimits
from holdfast_workflows.contracts.problems import Problem, problem_of
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry, ResultEntry, ToolCall, Usage
from holdfast_workflows.contracts.session.progress import Partial
from holdfast_workflows.contracts.session.steps import StepView, ThinkInput, Wait
from holdfast_workflows.contracts.text.redaction import redact_known
from holdfast_workflows.contracts.text.unicode import dump_json

from ..common.agents import LiveAgent
from ..common.instructions import TurnInstructions
from ..common.judged import judged_calls
from ..common.log_writes import away, settle
from . import inline_tools, step_result
from .call_guard import CallGuard, provider_of
from .cost_shares import ToolShares
from .fallback import ModelFallback, StoredReply
from .guarded_call import GuardedCall, ModelAnswer
from .prompt import PromptSource
from .reservation import RESULTS, BudgetReservation, CostEstimate, Payer

_MAX_NAME = 200
_NO_ANSWER = "(no answer: the budget was used up while the model still asked for tools)"
"""The text of a final reply that consists of tool calls only; they are not executed."""

_PARTIAL = 100_000
"""Characters of partial text in a heartbeat, which must fit into a payload. The step has the whole text."""


@dataclass(frozen=True)
class WorkerDependencies:
    """The state database, caches and guards that every model call of a worker uses."""

    state: State
    conversations: Conversations
    resilience: Resilience
    ratios: TokenCalibration
    instructions: TurnInstructions


def attempts_before(step: ThinkInput) -> int:
    """Attempts at a model call that failed before this one."""
    return step.tried + activity.info().attempt - 1


class StepLoop:
    """The model calls of one ``think``: one, and more while the model calls inline tools only.

    After ``run`` it has the settled ``steps``, what it was ``stopped_by`` and the final error of the next step
    (``failed``). If ``run`` raised, ``choice`` says whether and when to try again.
    """

    def __init__(
        self,
        step: ThinkInput,
        agent: LiveAgent,
        dependencies: WorkerDependencies,
        new: Sequence[Entry],
        *,
        tenant: TenantLimits | None,
        look_ahead: bool,
    ) -> None:
        self.steps: list[StepView] = []
        self.stopped_by: Wait | Spent | None = None
        self.failed: Problem | None = None
        self.choice: Choice | None = None
        self._input = step
        self._agent = agent
        self._log = dependencies.state.log
        self._conversations = dependencies.conversations
        self._resilience = dependencies.resilience
        self._budget = BudgetReservation(
            dependencies.state.budgets,
            Payer(step.session, step.tenant, tenant, step.allowance, step.agent),
            2
            * agent.spec.model_timeout,  # a prompt that is too long or filtered is changed and sent once more
            before=step.reservation,
            trusted=not look_ahead,
            keep_room=step.keep_room_for_final and step.mode != "final",
        )
        self._new = list(new)
        self._guard = CallGuard(dependencies.resilience, self._budget, agent.spec.name)
        self._prompts = prompts = PromptSource(step, agent, dependencies.ratios, dependencies.instructions)
        call = GuardedCall(self._guard, prompts, dependencies.conversations, self._new, self._set_text)
        self._fallback = ModelFallback(
            call,
            prompts,
            dependencies.conversations,
            dependencies.state.replies,
            lambda error: self._choose(error).again,
        )
        self._look_ahead = look_ahead
        self._tried = attempts_before(step)
        self._seq = step.seq
        self._text = ""
        self._context = 0
        self._instead = ""
        self._stopping = False

    def stop(self) -> None:
        """Take no further step after the current one."""
        self._stopping = True

    @property
    def unanswered(self) -> Usage:
        return self._guard.unanswered

    def partial(self) -> Partial:
        """The progress, for the heartbeat."""
        taken = len(self.steps)
        return Partial(
            turn=self._input.turn,
            step=self._input.step + taken,
            seq=self._seq,
            text=self._shown(self._text[:_PARTIAL]),
            steps=taken,
            tried=self._tried,
        )

    async def run(self) -> None:
        """Take steps until one needs the workflow, or ``max_inline_steps`` or ``max_inline_seconds`` is reached."""
        deadline = time.monotonic() + self._agent.spec.max_inline_seconds
        while True:
            try:
                view = await self._step()
            except StateUnavailable as error:
                if not self.steps:
                    raise
                self.stopped_by = away(error)
                return await self._stopped()
            except HoldfastError as error:
                self.choice = self._choose(error)
                if self.steps and self._stopping:
                    # The settled steps are returned. The next ``think`` will run into the error again.
                    return None
                await self._release()
                if not self.steps or self.choice.again:
                    raise
                activity.logger.warning(
                    "step %d failed for good: %s", self._input.step + len(self.steps), error
                )
                self.failed = problem_of(error)
                return None
            except asyncio.CancelledError:
                await self._budget.release()
                raise
            if view is None:
                await self._stopped()
                return None
            self.steps.append(view)
            self._seq = view.seq + 1 + len(view.calls)
            self._text = ""
            if self._is_last(view) or time.monotonic() > deadline:
                return None

    async def _stopped(self) -> None:
        """Release the reservation if the session waits; otherwise pass it to the next ``think``."""
        if self.steps and self.stopped_by is None:
            self.steps[-1] = self.steps[-1].model_copy(update={"reservation": self._budget.hold})
        else:
            await self._release()

    async def _release(self) -> None:
        await self._budget.release()
        if self.steps:
            self.steps[-1] = self.steps[-1].model_copy(update={"reservation": None})

    def _is_last(self, view: StepView) -> bool:
        """Whether the workflow has to process this step before the next one."""
        inside = view.calls and all(call.done and call.status != "invalid" for call in view.calls)
        if not inside or self._stopping or len(self.steps) >= self._input.max_steps:
            return True
        if self._tried and not self._look_ahead:
            # Attempts are counted per model call, so the step after a retried one needs its own activity.
            return True
        called = sum(len(step.calls) for step in self.steps)
        left = self._input.calls_left
        # The views of all calls have to fit one payload.
        return called >= MAX_CALLS or (left is not None and called >= left)

    def _choose(self, error: HoldfastError) -> Choice:
        """Decide whether Temporal retries the activity; a retry finds the settled steps in the log."""
        spec = self._agent.spec
        operation = f"model:{provider_of(spec.models[0])}"
        return self._resilience.retries.choose(operation, spec.model_retry, self._tried + 1, error)

    async def _step(self) -> StepView | None:
        """Take the next step; None if it cannot be taken now."""
        self._context, self._instead = 0, ""
        at_step(self._input.step + len(self.steps))
        if self._input.mode == "person":
            reply, ahead = await self._settle_reply(self._entry(text=self._input.answer, model="person"))
        else:
            began = time.monotonic()
            found = await self._fallback.reply(self._seq, self._new, look_ahead=self._look_ahead)
            # If one reply was settled before, the next may be too.
            self._look_ahead = isinstance(found, StoredReply) and found.settled
            if found is None:
                return None
            if isinstance(found, Wait | Spent):
                # After settled steps, the next ``think`` runs into the spent budget again and reports it.
                self.stopped_by = None if self.steps and isinstance(found, Spent) else found
                return None
            if isinstance(found, ModelAnswer):
                self._context, self._instead = found.account.context, found.instead
                answered = self._answered(found, time.monotonic() - began)
                reply, ahead = await self._settle_reply(answered, self._extras(answered, found))
            else:
                reply, ahead = await self._stored(found)
        results = await self._results(reply, ahead)
        problem = "" if reply.calls or reply.finish != "stop" else self._agent.output_problem(reply.text)
        judged = await judged_calls(self._input, self._agent, reply, results, self._log)
        return step_result.step_view(
            reply, results, problem, self._budget.hold, self._context, self._instead, judged
        )

    async def _stored(self, found: StoredReply) -> tuple[ReplyEntry, dict[int, Entry]]:
        """A reply that was settled before, or a cached one, which is settled now."""
        if found.settled:
            self._conversations.offer(self._input.session, [found.reply])
            self._new.clear()
            return found.reply, found.ahead
        cached = found.reply
        reply = self._entry(
            text=cached.text, calls=cached.calls, finish=cached.finish, model=f"cached {cached.model}"
        )
        manifest = found.account.manifest(self._input.session, reply, 0) if found.account else None
        return await self._settle_reply(reply, LogExtras(manifest=manifest))

    def _restored(self, call: ToolCall) -> ToolCall:
        """The call with the values of tokens in its arguments."""
        arguments = self._fallback.vault.restored(call.arguments, is_json=True)
        return call if arguments == call.arguments else call.model_copy(update={"arguments": arguments})

    def _shown(self, text: str) -> str:
        """The text of an unfinished reply, as people may see it."""
        text = redact_known(self._fallback.vault.partial(text), grows=True)
        return self._fallback.links.partial(text, *self._link_rules())

    def _link_rules(self) -> tuple[Sequence[str], str]:
        """The hosts that the agent allows, and the instructions, which may name more."""
        return self._agent.spec.links, self._prompts.instructions

    def _set_text(self, text: str) -> None:
        self._text = text

    def _answered(self, answer: ModelAnswer, seconds: float) -> ReplyEntry:
        reply = answer.reply
        final = self._input.mode == "final"
        calls = () if final else reply.calls[:MAX_CALLS]
        json_reply = self._agent.spec.output is not None and not calls
        text = redact_known(self._fallback.vault.restored(reply.text, is_json=json_reply))
        text = self._agent.final_text(text) if json_reply else text
        text = self._fallback.links.checked(text, *self._link_rules(), is_json=json_reply)
        wordless = final and reply.calls and not reply.text.strip()
        return self._entry(
            text=_NO_ANSWER if wordless else text,
            calls=tuple(_bounded(index, self._restored(call)) for index, call in enumerate(calls)),
            # A final reply may be cut off by the budget, and counts as it is.
            finish="stop" if final and reply.finish in {"tool_calls", "length"} else reply.finish,
            usage=reply.usage,
            model=reply.model,
            seconds=round(seconds, 4),
            extra=_known_redacted(reply.extra),
        )

    def _entry(self, *, text: str, model: str, **rest: Any) -> ReplyEntry:
        return ReplyEntry(
            seq=self._seq,
            turn=self._input.turn,
            step=self._input.step + len(self.steps),
            at=clock.now(),
            text=text,
            model=model,
            **rest,
        )

    async def _settle_reply(
        self, reply: ReplyEntry, extras: LogExtras | None = None
    ) -> tuple[ReplyEntry, dict[int, Entry]]:
        """Write the new entries, the reply and its cost in one transaction."""
        stored = (await self._settle([*self._new, reply], extras))[-1]
        self._new.clear()
        if stored == reply:
            return reply, {}
        # Another attempt wrote first: its reply counts, with the entries after it.
        if not isinstance(stored, ReplyEntry):
            raise StateError(f"number {reply.seq} of the log holds a {stored.kind}, not a reply")
        rest = await self._log.read(self._input.session, stored.seq + 1)
        self._look_ahead = True
        return stored, {entry.seq: entry for entry in rest}

    def _extras(self, reply: ReplyEntry, answer: ModelAnswer) -> LogExtras:
        """What is written with the reply: prompt manifest, cost, the next call's reservation, the cached reply."""
        following = None
        if reply.calls:
            # The next prompt consists of this one, the reply and the results of its calls.
            longer = answer.estimate.prompt + reply.usage.output_tokens + RESULTS
            following = CostEstimate(longer, answer.estimate.output)
        shares = ToolShares(answer.results, answer.account.estimated, reply.calls, reply.text)
        charge = self._budget.settle(answer.model, reply.usage, following, shares)
        cached = None
        if answer.digest and reply.finish in {"stop", "tool_calls"}:
            cached = CachedReplyRow(answer.digest, reply.model_dump_json(), reply.at)
        manifest = answer.account.manifest(self._input.session, reply, answer.reported)
        return LogExtras(charge=charge, cached=cached, manifest=manifest)

    async def _results(self, reply: ReplyEntry, ahead: dict[int, Entry]) -> dict[int, ResultEntry]:
        """The results of the reply's calls by number, without those that the workflow has to schedule."""
        if not reply.calls or reply.finish not in {"tool_calls", "stop"}:
            return {}
        known = {seq: entry for seq, entry in ahead.items() if isinstance(entry, ResultEntry)}
        made = sum(call.done and call.status != "invalid" for step in self.steps for call in step.calls)
        log, metrics = self._log, self._resilience.metrics
        new = await inline_tools.run(self._input, self._agent, reply, known, made, log, metrics)
        if new:
            stored = await self._settle(new)
            known |= {entry.seq: entry for entry in stored if isinstance(entry, ResultEntry)}
        self._conversations.offer(self._input.session, list(known.values()))
        return known

    async def _settle(self, entries: Sequence[Entry], extras: LogExtras | None = None) -> list[Entry]:
        stored, charged = await settle(self._log, self._input.session, entries, extras)
        if extras is not None and extras.charge is not None:
            self._budget.settled(extras.charge, charged)
        if list(entries) != stored:
            # The cached conversation was built from what this attempt meant to write.
            self._conversations.forget(self._input.session)
        else:
            self._conversations.offer(self._input.session, stored)
        return stored


def _known_redacted(extra: dict[str, Any]) -> dict[str, Any]:
    """What a provider wants back, or nothing if a known secret is in it: a part of it may be signed."""
    if not extra:
        return extra
    text = dump_json(extra)
    return extra if redact_known(text) == text else {}


def _bounded(index: int, call: ToolCall) -> ToolCall:
    """The call without known secrets, and with id and name cut to the longest that is stored; the model chose all."""
    if (arguments := redact_known(call.arguments)) is not call.arguments:
        call = call.model_copy(update={"arguments": arguments})
    if len(call.id) <= _MAX_NAME and len(call.name) <= _MAX_NAME:
        return call
    id = call.id if len(call.id) <= _MAX_NAME else f"{call.id[: _MAX_NAME - 8]}_{index}"
    return call.model_copy(update={"id": id, "name": call.name[:_MAX_NAME]})
