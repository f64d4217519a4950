"""One model asked, with the leave of its breaker, the budget and the rate limits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from temporalio import activity

from holdfast_activities.context import Conversation, Conversations, PromptAccount, cleaned, smaller
from holdfast_activities.models.base import Consumed, Model, ModelReply
from holdfast_activities.resilience import Resilience
from holdfast_workflows.contracts.breakers import TenantLimits
from holdfast_workflows.contracts.budget import Spent
from holdfast_workflows.contracts.entries import Entry, Usage, UserEntry
from holdfast_workflows.contracts.errors import (
    ContentFiltered,
    ContextTooLong,
    EmptyReply,
    ModelError,
    ModelRejected,
)
from holdfast_workflows.contracts.fallbacks import CachedReply
from holdfast_workflows.contracts.steps import ThinkInput, Wait

from ..common.agents import LiveAgent
from .call_limits import call_limits, provider_of, rates, report_failure
from .prompt import Prompt, PromptSource
from .reservation import OUTPUT, BudgetReservation, CostEstimate

_SAY = "You have said nothing. Answer now, or call a tool."

_GUESSED_REPLY = 500
"""Tokens counted against a rate limit for a reply, until its usage is known."""

_ROOM = 0.8
"""The part used of the room that a provider tells: instructions and tools take some of it, and do not shrink."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A model's answer.

    ``need`` is what was reserved for it, ``account`` how its prompt was made, ``reported`` what the provider
    counted of that, and ``digest`` that of the prompt where replies are kept. ``instead`` says why the models before
    it did not answer.
    """

    model: Model
    reply: ModelReply
    need: CostEstimate
    account: PromptAccount
    reported: int = 0
    digest: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    reply: ModelReply
    account: PromptAccount
    reported: int


class GuardedCall:
    """Asks models for one ``think``.

    Attributes:
        unanswered: What calls used that ended without a reply.
    """

    def __init__(
        self,
        step: ThinkInput,
        agent: LiveAgent,
        prompts: PromptSource,
        resilience: Resilience,
        purse: BudgetReservation,
        tenant: TenantLimits | None,
        conversations: Conversations,
        new: Sequence[Entry],
        heard: Callable[[str], None],
    ) -> None:
        self._conversations = conversations
        self._new = new
        self._step = step
        self._prompts = prompts
        self._resilience = resilience
        self._purse = purse
        self._tenant = tenant
        self._heard = heard
        self.unanswered = Usage()
        self._keeps = any(isinstance(resort, CachedReply) for resort in agent.spec.fallbacks)

    async def ask(self, model: Model, conversation: Conversation) -> ModelAnswer | Wait | Spent:
        """Ask once; a prompt found too long, or filtered, is changed and asked once more.

        Raises:
            BreakerOpen, LimitReached: Nothing was asked.
            ModelError: There is no answer.
        """
        breakers, provider = self._resilience.breakers, provider_of(model.name)
        admission = await breakers.admit(f"provider:{provider}")
        try:
            answer = await self._admitted(model, conversation)
        except ModelError as error:
            if error.retryable:  # else it was this prompt or this key, which says nothing of the next one
                self._resilience.retries.note(f"model:{provider}", ok=False)
            await report_failure(self._resilience, admission, model, error)
            raise
        except BaseException:
            # A limit said no, or the call was cancelled: nothing was learnt of the provider.
            await breakers.abandoned(admission)
            raise
        if isinstance(answer, ModelAnswer):
            self._resilience.retries.note(f"model:{provider}", ok=True)
            await breakers.succeeded(admission)
        else:
            await breakers.abandoned(admission)
        return answer

    async def _admitted(self, model: Model, conversation: Conversation) -> ModelAnswer | Wait | Spent:
        prompt = self._prompts.prompt(model, conversation)
        need = CostEstimate(prompt.bytes // 3, prompt.request.max_tokens or OUTPUT)
        allowed = await self._purse.reserve(model, need)
        if not isinstance(allowed, int):
            return allowed
        if self._purse.active:
            prompt = replace(prompt, request=replace(prompt.request, max_tokens=allowed))
        told = await self._limited(model, conversation, prompt)
        digest = self._prompts.digest(prompt.request) if self._keeps else ""
        reserved = CostEstimate(need.prompt, allowed)
        return ModelAnswer(model, told.reply, reserved, told.account, told.reported, digest)

    async def _limited(self, model: Model, conversation: Conversation, prompt: Prompt) -> _Told:
        """The answer, taken from every rate limit that the call is under: at first as estimated, then as used."""
        estimate = prompt.bytes // 4 + min(prompt.request.max_tokens or _GUESSED_REPLY, _GUESSED_REPLY)
        under = rates(model, self._step.tenant, self._tenant)
        async with call_limits(self._resilience, under, estimate) as used:
            told = await self._complete(model, conversation, prompt)
            used.by(told.reply)
        return told

    async def _complete(self, model: Model, conversation: Conversation, prompt: Prompt) -> _Told:
        """The answer; the second prompt, if there is one, is never the first one again."""
        try:
            told = await self._ask(model, prompt)
        except ContextTooLong as error:
            return await self._again(model, self._smaller(model, conversation, prompt, error), error)
        except ContentFiltered as error:
            return await self._again(model, await self._cleaned(model, conversation, prompt), error)
        except EmptyReply as error:
            return await self._after_nothing(model, prompt, error)
        except ModelRejected as error:
            # Perhaps for what an earlier reply carried: a signature that has expired, or that another model made.
            if type(error) is not ModelRejected or not conversation.without_extras():
                raise
            return await self._again(model, self._changed(model, conversation, prompt), error)
        if told.reply.finish == "content_filter":
            changed = await self._cleaned(model, conversation, prompt)
            if changed is not None:
                again = await self._ask(model, changed)
                usage = told.reply.usage + again.reply.usage
                return replace(again, reply=replace(again.reply, usage=usage))
        return told

    async def _again(self, model: Model, changed: Prompt | None, error: ModelError) -> _Told:
        if changed is None:
            raise error
        activity.logger.warning("%s: %s; asking once more", model.name, error.code)
        return await self._ask(model, changed)

    async def _after_nothing(self, model: Model, prompt: Prompt, error: EmptyReply) -> _Told:
        """Ask once more, at once.

        After the results of its calls a model may take silence for an end. The same prompt would
        get the same silence, so it is told to answer; the words are of this request only.
        """
        fragments = prompt.request.fragments
        if fragments and fragments[-1].kind == "result":
            told = model.fragment(UserEntry(seq=fragments[-1].seq + 1, role="repair", text=_SAY))
            # A cancelled or failed call fills in what it used, so each has a place of its own for that.
            request = replace(prompt.request, fragments=[*fragments, told], consumed=Consumed())
        else:
            request = replace(prompt.request, consumed=Consumed())
        try:
            return await self._again(model, replace(prompt, request=request), error)
        except ModelRejected:
            raise error from None  # it takes no message in this place

    async def _ask(self, model: Model, prompt: Prompt) -> _Told:
        try:
            reply = await model.complete(prompt.request, self._heard)
            self._check_last(reply, prompt.request.consumed)
        except BaseException:
            used = prompt.request.consumed.usage
            if used is not None:
                self.unanswered += used
                self._purse.count(used)
            raise
        reported = reply.usage.input_tokens if reply.counted else 0
        self._prompts.learn(prompt, reported)
        return _Told(reply, prompt.account, reported)

    def _check_last(self, reply: ModelReply, consumed: Consumed) -> None:
        """A last reply that was cut short stands as it is, unless there is nothing of it."""
        if self._step.final and reply.finish == "length" and not reply.text.strip():
            consumed.usage = reply.usage
            raise EmptyReply(f"{reply.model}: the last reply reached its length limit before it had any text")

    def _smaller(
        self, model: Model, conversation: Conversation, prompt: Prompt, error: ContextTooLong
    ) -> Prompt | None:
        """The prompt within half of what was too long, or less where the provider has less room; None if nothing
        can be taken away.
        """
        share = min(0.5, (error.fits or 1.0) * _ROOM)
        sent = prompt.request.fragments
        if not smaller(conversation, sent, share=share, alone=self._prompts.simple):
            return None
        return self._changed(model, conversation, prompt)

    async def _cleaned(self, model: Model, conversation: Conversation, prompt: Prompt) -> Prompt | None:
        """The prompt without what filters trip over; None if it would be the same."""
        sent = prompt.request.fragments
        entries = await self._conversations.behind(self._step.session, conversation, sent, self._new)
        return self._changed(model, conversation, prompt) if cleaned(conversation, entries) else None

    def _changed(self, model: Model, conversation: Conversation, prompt: Prompt) -> Prompt:
        """As the conversation stands now, with the same leave of the budget."""
        changed = self._prompts.prompt(model, conversation)
        return replace(changed, request=replace(changed.request, max_tokens=prompt.request.max_tokens))
