"""Steps taken within one ``think`` activity, each settled in the log before the next."""

import asyncio
import time
from collections.abc import Sequence

from temporalio import activity

from holdfast_activities.context import Conversation, Conversations
from holdfast_activities.models.base import Model, ModelReply, ModelRequest
from holdfast_activities.state.base import Log
from holdfast_workflows.contracts import names
from holdfast_workflows.contracts.entries import Entry, ReplyEntry, ResultEntry, ToolCall
from holdfast_workflows.contracts.errors import (
    HoldfastError,
    ModelError,
    StateError,
    ToolArgumentsInvalid,
)
from holdfast_workflows.contracts.limits import MAX_CALLS
from holdfast_workflows.contracts.session import Partial
from holdfast_workflows.contracts.steps import StepView, ThinkInput

from . import running, views
from .agents import LiveAgent

_RESERVE = 0.2
"""The part of a model's window kept for its reply and for what the token estimate misses."""


_MAX_NAME = 200

_SHOWN = 100_000
"""Characters of partial text in a heartbeat, which must fit into a payload; the rest comes with the step."""


class Burst:
    """One ``think``: at least one model call, more while only inline tools are asked for."""

    def __init__(
        self,
        step: ThinkInput,
        agent: LiveAgent,
        log: Log,
        conversations: Conversations,
        new: Sequence[Entry],
        *,
        look_ahead: bool,
    ) -> None:
        self.steps: list[StepView] = []
        self._input = step
        self._agent = agent
        self._log = log
        self._conversations = conversations
        self._new = list(new)
        self._look_ahead = look_ahead
        self._seq = step.seq
        self._text = ""
        self._stopping = False

    def stop(self) -> None:
        """Take no further step after the current one."""
        self._stopping = True

    def partial(self) -> Partial:
        """Where the burst is, for its heartbeat."""
        taken = len(self.steps)
        return Partial(
            turn=self._input.turn,
            step=self._input.step + taken,
            seq=self._seq,
            text=self._text[:_SHOWN],
            steps=taken,
        )

    async def run(self) -> None:
        """Take steps until one needs the workflow, or the burst has used its count or time."""
        deadline = time.monotonic() + self._agent.spec.burst_seconds
        while True:
            try:
                view = await self._step()
            except HoldfastError as error:
                if self.steps and not self._tried_again(error):
                    # The steps that are settled count; the next ``think`` will meet the error itself.
                    return
                raise
            self.steps.append(view)
            self._seq = view.seq + 1 + len(view.calls)
            self._text = ""
            inside = view.calls and all(call.done and call.status != "invalid" for call in view.calls)
            if not inside:
                return
            if self._stopping or len(self.steps) >= self._input.burst or time.monotonic() > deadline:
                return
            if sum(len(step.calls) for step in self.steps) >= MAX_CALLS:
                return  # what is told of them has to fit one payload

    def _tried_again(self, error: HoldfastError) -> bool:
        """Whether Temporal repeats the activity, which then finds in the log what is settled."""
        attempts = self._agent.spec.model_retry.attempts
        return error.retryable and activity.info().attempt < attempts and not self._stopping

    async def _step(self) -> StepView:
        reply, ahead = await self._reply()
        results = await self._results(reply, ahead)
        problem = "" if reply.calls or reply.finish != "stop" else self._agent.output_problem(reply.text)
        return views.step(reply, results, problem)

    # The reply: from the log if an earlier attempt got that far, else from the model.

    async def _reply(self) -> tuple[ReplyEntry, dict[int, Entry]]:
        problems: list[HoldfastError] = []
        for name in self._agent.spec.models:
            try:
                model = self._agent.model(name)
            except HoldfastError as error:
                problems.append(error)
                continue
            conversation, ahead = await self._conversations.upto(
                self._input.session, model, self._seq, self._new, look_ahead=self._look_ahead
            )
            before = ahead.get(self._seq)
            if isinstance(before, ReplyEntry):
                self._conversations.offer(self._input.session, [before])
                self._new.clear()
                return before, ahead
            self._look_ahead = False
            try:
                reply = await self._ask(model, conversation)
            except ModelError as error:
                activity.logger.warning("%s: %s", model.name, error)
                problems.append(error)
                continue
            return await self._settle_reply(reply)
        raise next((problem for problem in problems if problem.retryable), problems[-1])

    async def _ask(self, model: Model, conversation: Conversation) -> ReplyEntry:
        spec, agent = self._agent.spec, self._agent
        tools = agent.wire_tools(model)
        began = time.monotonic()
        window = min(spec.window or model.window, model.window)
        budget = int(window * (1 - _RESERVE)) - (len(spec.instructions) + len(tools)) // 4
        reply = await model.complete(
            ModelRequest(
                instructions=spec.instructions,
                fragments=conversation.within(max(budget, 500)),
                tools=tools,
                output=spec.output,
                max_tokens=spec.max_tokens,
                temperature=spec.temperature,
                timeout=spec.model_timeout,
                stream=self._input.watched,
            ),
            self._heard,
        )
        return self._entry(reply, time.monotonic() - began)

    def _heard(self, text: str) -> None:
        self._text = text

    def _entry(self, reply: ModelReply, seconds: float) -> ReplyEntry:
        return ReplyEntry(
            seq=self._seq,
            turn=self._input.turn,
            step=self._input.step + len(self.steps),
            at=time.time(),
            text=reply.text,
            calls=tuple(_bounded(index, call) for index, call in enumerate(reply.calls[:MAX_CALLS])),
            finish=reply.finish,
            usage=reply.usage,
            model=reply.model,
            seconds=round(seconds, 4),
            extra=reply.extra,
        )

    async def _settle_reply(self, reply: ReplyEntry) -> tuple[ReplyEntry, dict[int, Entry]]:
        """Write the reply, with what was new before it, in one transaction."""
        stored = (await self._settle([*self._new, reply]))[-1]
        self._new.clear()
        if stored == reply:
            return reply, {}
        # Another attempt was first: its reply is the one that counts, with what it did after.
        if not isinstance(stored, ReplyEntry):
            raise StateError(f"number {reply.seq} of the log holds a {stored.kind}, not a reply")
        rest = await self._log.read(self._input.session, stored.seq + 1)
        self._look_ahead = True
        return stored, {entry.seq: entry for entry in rest}

    # The results of inline tools and of calls that cannot be carried out.

    async def _results(self, reply: ReplyEntry, ahead: dict[int, Entry]) -> dict[int, ResultEntry]:
        if not reply.calls or reply.finish not in {"tool_calls", "stop"}:
            return {}
        calls = [self._call(reply, index, call) for index, call in enumerate(reply.calls)]
        known = {seq: entry for seq, entry in ahead.items() if isinstance(entry, ResultEntry)}
        fresh = await asyncio.gather(*(self._run(call) for call in calls if call.seq not in known))
        settled = [entry for entry in fresh if entry is not None]
        if settled:
            for entry in await self._settle(settled):
                if isinstance(entry, ResultEntry):
                    known[entry.seq] = entry
        self._conversations.offer(self._input.session, list(known.values()))
        return {call.seq: known[call.seq] for call in calls if call.seq in known}

    async def _run(self, call: running.Call) -> ResultEntry | None:
        """The result of a call that ends here; None for one that is the workflow's to schedule."""
        spec, binding = self._agent.tools.get(call.name), self._agent.binding(call.name)
        if spec is None or binding is None:
            known = ", ".join(self._agent.tools) or "none"
            text = f"there is no tool {call.name!r}; there are: {known}"
            return running.result(call, text, "invalid", time.monotonic())
        if not spec.inline:
            try:
                binding.validate(call.arguments)
            except ToolArgumentsInvalid as error:
                return running.result(call, error.detail, "invalid", time.monotonic())
            return None
        try:
            return await running.run(binding, call, spec.timeout, _quiet)
        except HoldfastError as error:
            return running.failed(call, error)

    def _call(self, reply: ReplyEntry, index: int, call: ToolCall) -> running.Call:
        seq = reply.seq + 1 + index
        return running.Call(
            session=self._input.session,
            tenant=self._input.tenant,
            agent=self._input.agent,
            turn=reply.turn,
            step=reply.step,
            seq=seq,
            call_id=call.id,
            name=call.name,
            arguments=call.arguments,
            key=names.call_key(self._input.session, seq),
        )

    async def _settle(self, entries: Sequence[Entry]) -> list[Entry]:
        stored = await self._log.settle(self._input.session, entries)
        if list(entries) != stored:
            # What is at hand was built from what we meant to write.
            self._conversations.forget(self._input.session)
        else:
            self._conversations.offer(self._input.session, stored)
        return stored


def _bounded(index: int, call: ToolCall) -> ToolCall:
    """The call with an id and a name that fit anywhere: both are the model's words."""
    if len(call.id) <= _MAX_NAME and len(call.name) <= _MAX_NAME:
        return call
    id = call.id if len(call.id) <= _MAX_NAME else f"{call.id[: _MAX_NAME - 8]}_{index}"
    return call.model_copy(update={"id": id, "name": call.name[:_MAX_NAME]})


def _quiet(_: str) -> None:
    """Inline tools are quick; the burst's own heartbeat speaks for them."""
