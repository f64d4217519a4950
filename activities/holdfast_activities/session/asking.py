"""One model asked, with the leave of its breaker, the budget and the rate limits."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from temporalio import activity

from holdfast_activities.context import Conversation, Conversations, cleaned, smaller
from holdfast_activities.models.base import Fragment, Model, ModelReply, ModelRequest
from holdfast_activities.resilience import Admission, Resilience, counts
from holdfast_activities.state.shared import Rate
from holdfast_workflows.contracts.budget import Spent
from holdfast_workflows.contracts.circuits import TenantLimits
from holdfast_workflows.contracts.entries import Entry
from holdfast_workflows.contracts.errors import ContentFiltered, ContextTooLong, ModelError, RateLimited
from holdfast_workflows.contracts.resorts import CachedReply, SimplifiedReply
from holdfast_workflows.contracts.steps import Park, ThinkInput
from holdfast_workflows.contracts.text import dump_json

from .agents import LiveAgent
from .purse import OUTPUT, Need, Purse

_RESERVE = 0.2
"""The part of a model's window kept for its reply and for what the token estimate misses."""

_SHORTEST_PROMPT = 500
"""Tokens of conversation that are sent whatever the window is."""

_GUESSED_REPLY = 500
"""Tokens counted against a rate limit for a reply, until its usage is known."""

_SIMPLE_REPLY = 500
"""Tokens a simplified reply may have."""

_FINAL = (
    "No more tools can be called and nothing more can be looked up. "
    "Answer now, as well as you can, with what you have; say what is missing."
)
_SIMPLE = "Answer briefly, from what the message says and what you know; say so if that is not enough."


_Change = Callable[[Conversation, Sequence[Fragment], Iterable[Entry], Model], list[Fragment] | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer: what was reserved for it, and the digest of its prompt where replies are kept."""

    model: Model
    reply: ModelReply
    need: Need
    digest: str = ""


class Asking:
    """Asks models for one ``think``."""

    def __init__(
        self,
        step: ThinkInput,
        agent: LiveAgent,
        resilience: Resilience,
        purse: Purse,
        tenant: TenantLimits | None,
        conversations: Conversations,
        new: Sequence[Entry],
        heard: Callable[[str], None],
    ) -> None:
        self._conversations = conversations
        self._new = new
        self._step = step
        self._agent = agent
        self._resilience = resilience
        self._purse = purse
        self._tenant = tenant
        self._heard = heard
        self._simple = isinstance(agent.resort(step.resort), SimplifiedReply)
        self._keeps = any(isinstance(resort, CachedReply) for resort in agent.spec.last_resorts)

    async def ask(self, model: Model, conversation: Conversation) -> Answer | Park | Spent:
        """Ask once; a prompt found too long, or filtered, is changed and asked once more.

        Raises:
            CircuitOpen, LimitReached: Nothing was asked.
            ModelError: There is no answer.
        """
        breakers, provider = self._resilience.breakers, provider_of(model.name)
        admission = await breakers.admit(f"provider:{provider}")
        try:
            answer = await self._admitted(model, provider, conversation)
        except ModelError as error:
            if error.retryable:  # else it was this prompt or this key, which says nothing of the next one
                self._resilience.retries.note(f"model:{provider}", ok=False)
            await self._blame(admission, model, error)
            raise
        except BaseException:
            # A limit said no, or the call was cancelled: nothing was learnt of the provider.
            await breakers.abandoned(admission)
            raise
        if isinstance(answer, Answer):
            self._resilience.retries.note(f"model:{provider}", ok=True)
            await breakers.succeeded(admission)
        else:
            await breakers.abandoned(admission)
        return answer

    async def _blame(self, admission: Admission, model: Model, error: ModelError) -> None:
        """Tell the breaker, and everybody who asks the same model, what a failure says of it."""
        breakers = self._resilience.breakers
        if isinstance(error, RateLimited):
            # It is neither down nor fit to be asked.
            await breakers.abandoned(admission)
            if error.retry_after:
                # Providers limit each model by itself; another one of theirs may well answer.
                await self._resilience.limits.block(f"model:{model.name}", error.retry_after)
        elif counts(error):
            await breakers.failed(admission, str(error))
        else:
            await breakers.succeeded(admission)

    async def _admitted(
        self, model: Model, provider: str, conversation: Conversation
    ) -> Answer | Park | Spent:
        request = self.request(model, conversation)
        size = _bytes(request)
        need = Need(size // 3, request.max_tokens or OUTPUT)
        allowed = await self._purse.reserve(model, need)
        if not isinstance(allowed, int):
            return allowed
        if self._purse.active:
            request = replace(request, max_tokens=allowed)
        estimate = size // 4 + min(request.max_tokens or _GUESSED_REPLY, _GUESSED_REPLY)
        reply = await self._limited(model, provider, conversation, request, estimate)
        digest = self.digest(request) if self._keeps else ""
        return Answer(model, reply, Need(need.prompt, allowed), digest)

    async def _limited(
        self, model: Model, provider: str, conversation: Conversation, request: ModelRequest, estimate: int
    ) -> ModelReply:
        """The answer, taken from every rate limit that the call is under: at first as estimated, then as used."""
        limits, taken = self._resilience.limits, list[tuple[str, Rate]]()
        used, remaining, sent = 0, None, False
        try:
            for key, rate in self._rates(model, provider):
                await limits.take(key, rate, estimate)
                taken.append((key, rate))
            sent = True
            reply = await self._complete(model, conversation, request)
            used, remaining = reply.usage.input_tokens + reply.usage.output_tokens, reply.remaining
        finally:
            for key, rate in taken:
                of_provider = key.startswith("provider:")
                limits.settle(key, rate, estimate, used, remaining if of_provider else None, sent=sent)
        return reply

    def _rates(self, model: Model, provider: str) -> list[tuple[str, Rate]]:
        # Of the model itself nothing is configured, but the provider may have said to wait.
        found = [(f"model:{model.name}", Rate()), (f"provider:{provider}", model.rate)]
        tenant = self._tenant
        if tenant is not None and (tenant.requests_per_minute or tenant.tokens_per_minute):
            rate = Rate(tenant.requests_per_minute, tenant.tokens_per_minute)
            found.append((f"tenant:{self._step.tenant}", rate))
        return found

    async def _complete(self, model: Model, conversation: Conversation, request: ModelRequest) -> ModelReply:
        """The answer; the second request, if there is one, is never the first one again."""
        try:
            reply = await model.complete(request, self._heard)
        except (ContextTooLong, ContentFiltered) as error:
            change = smaller if isinstance(error, ContextTooLong) else cleaned
            changed = await self._changed(change, model, conversation, request)
            if changed is None:
                raise
            activity.logger.warning("%s: %s; asking once more with a changed prompt", model.name, error.code)
            return await model.complete(changed, self._heard)
        if reply.finish == "content_filter":
            changed = await self._changed(cleaned, model, conversation, request)
            if changed is not None:
                again = await model.complete(changed, self._heard)
                return replace(again, usage=reply.usage + again.usage)
        return reply

    async def _changed(
        self, change: _Change, model: Model, conversation: Conversation, request: ModelRequest
    ) -> ModelRequest | None:
        """The request with other fragments; None if nothing can be changed."""
        sent = request.fragments
        entries = await self._conversations.behind(self._step.session, conversation, sent, self._new)
        fragments = change(conversation, sent, entries, model)
        return None if fragments is None else replace(request, fragments=fragments)

    # What is asked.

    def request(self, model: Model, conversation: Conversation) -> ModelRequest:
        """The request for the next reply."""
        spec, step = self._agent.spec, self._step
        simple = self._simple
        tools = b"" if simple else self._agent.wire_tools(model)
        extra = _SIMPLE if simple else _FINAL if step.final else ""
        instructions = f"{spec.instructions}\n\n{extra}" if extra else spec.instructions
        return ModelRequest(
            instructions=instructions,
            fragments=conversation.alone() if simple else self._within(model, conversation, len(tools)),
            tools=tools,
            output=spec.output,
            max_tokens=min(spec.max_tokens or _SIMPLE_REPLY, _SIMPLE_REPLY) if simple else spec.max_tokens,
            temperature=spec.temperature,
            timeout=spec.model_timeout,
            stream=step.watched,
            no_calls=step.final and bool(tools),
        )

    def _within(self, model: Model, conversation: Conversation, tools: int) -> Sequence[Fragment]:
        spec = self._agent.spec
        window = min(spec.window or model.window, model.window)
        budget = int(window * (1 - _RESERVE)) - (len(spec.instructions) + tools) // 4
        return conversation.within(max(budget, _SHORTEST_PROMPT))

    def digest(self, request: ModelRequest) -> str:
        """Of what the model reads, and the shape it answers in: the same prompt has the same digest, whoever asks."""
        made = hashlib.sha256(request.instructions.encode("utf-8", "surrogatepass"))
        made.update(request.tools)
        if request.output is not None:
            made.update(dump_json(request.output.model_dump()).encode())
        for fragment in request.fragments:
            made.update(fragment.data)
        return f"{self._step.tenant}/{self._step.agent}/{made.hexdigest()[:40]}"


def provider_of(model: str) -> str:
    """The part of a model's name that says who serves it."""
    return model.partition(":")[0]


def _bytes(request: ModelRequest) -> int:
    conversation = sum(len(fragment.data) for fragment in request.fragments)
    return conversation + len(request.instructions) + len(request.tools)
