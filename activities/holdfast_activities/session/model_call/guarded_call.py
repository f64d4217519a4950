"""One model call of a step, repeated once with a changed prompt where the model cannot answer the first one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from temporalio import activity

from holdfast_activities.context import Conversation, Conversations, PromptAccount, cleaned, smaller
from holdfast_activities.debugging.recording import phase
from holdfast_activities.models.base import Consumed, Model, ModelReply
from holdfast_workflows.contracts.agent.budget import Spent
from holdfast_workflows.contracts.errors import (
    ContentFiltered,
    ContextTooLong,
    EmptyReply,
    ModelError,
    ModelRejected,
)
from holdfast_workflows.contracts.session.entries import Entry, UserEntry
from holdfast_workflows.contracts.session.steps import Wait

from .call_guard import BudgetRefused, CallGuard
from .prompt import Prompt, PromptSource
from .reservation import OUTPUT, CostEstimate

_SAY = "You have said nothing. Answer now, or call a tool."

_ROOM = 0.8
"""The part used of the room that a provider reports: instructions and tools take some of it, and do not shrink."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A model's answer.

    ``account`` describes its prompt, and ``reported`` is the provider's token count of it. ``estimate`` is what was
    reserved. ``digest`` identifies the prompt where replies are cached. ``instead`` says why the models before it
    did not answer. ``results`` are the estimated tokens of tools' results in the prompt, by tool.
    """

    model: Model
    reply: ModelReply
    account: PromptAccount
    reported: int
    estimate: CostEstimate = CostEstimate(0, 0)  # noqa: RUF009 - it is immutable
    digest: str = ""
    instead: str = ""
    results: Mapping[str, int] = field(default_factory=dict[str, int])


class GuardedCall:
    """Calls models for one ``think``. ``on_text`` receives the reply's text while it is streamed."""

    def __init__(
        self,
        guard: CallGuard,
        prompts: PromptSource,
        conversations: Conversations,
        new: Sequence[Entry],
        on_text: Callable[[str], None],
    ) -> None:
        self._guard = guard
        self._prompts = prompts
        self._conversations = conversations
        self._new = new
        self._on_text = on_text

    async def ask(self, model: Model, conversation: Conversation) -> ModelAnswer | Wait | Spent:
        """Call a model. A prompt that is too long, or filtered, is changed and sent once more.

        Raises BreakerOpen or LimitReached if no call was made, ModelError if there is no answer.
        """
        with phase("prompt"):
            prompt = self._prompts.prompt(model, conversation)
        digest = self._prompts.digest(prompt.request) if self._prompts.caches_replies else ""
        try:
            async with self._guard.admit(model, prompt.bytes, prompt.request.max_tokens or OUTPUT) as call:
                if call.max_tokens is not None:
                    prompt = _limited(prompt, call.max_tokens)
                try:
                    answer = await self._send(model, prompt)
                except ModelError as error:
                    answer = await self._after_error(model, conversation, prompt, error)
                else:
                    if answer.reply.finish == "content_filter":
                        answer = await self._after_filter(model, conversation, prompt, answer)
                call.reply = answer.reply
        except BudgetRefused as refused:
            return refused.reason
        return replace(answer, estimate=call.estimate, digest=digest)

    async def _send(self, model: Model, prompt: Prompt) -> ModelAnswer:
        consumed = prompt.request.consumed
        try:
            reply = await self._guard.send(model, prompt.request, self._on_text)
            self._expect_text(reply, consumed)
        except BaseException:
            self._guard.count_unanswered(model, consumed.usage)
            raise
        reported = reply.usage.input_tokens if reply.counted else 0
        self._prompts.learn(prompt, reported)
        budget = prompt.account.budget
        used = (reported or prompt.account.estimated * budget.ratio) / budget.context_window
        self._guard.metrics.observe("holdfast_context_used_ratio", used, agent=self._prompts.agent.spec.name)
        return ModelAnswer(model, reply, prompt.account, reported, results=prompt.results())

    def _expect_text(self, reply: ModelReply, consumed: Consumed) -> None:
        """Reject a final reply that was cut off before any text; one with text stands as it is."""
        if self._prompts.step.mode == "final" and reply.finish == "length" and not reply.text.strip():
            consumed.usage = reply.usage
            raise EmptyReply(f"{reply.model}: the last reply reached its length limit before it had any text")

    async def _after_error(
        self, model: Model, conversation: Conversation, prompt: Prompt, error: ModelError
    ) -> ModelAnswer:
        """Send a changed prompt. If there is no useful change, raise the error."""
        match error:
            case ContextTooLong():
                changed = self._smaller(model, conversation, prompt, error)
            case ContentFiltered():
                changed = await self._cleaned(model, conversation, prompt)
            case EmptyReply():
                changed = _told_to_answer(model, prompt)
            # The cause may be data of an earlier reply: an expired signature, or one of another model.
            case ModelRejected() if type(error) is ModelRejected and conversation.without_extras():
                changed = self._changed(model, conversation, prompt)
            case _:
                changed = None
        if changed is None:
            raise error
        activity.logger.warning("%s: %s; asking once more", model.name, error.code)
        try:
            return await self._send(model, changed)
        except ModelRejected:
            if isinstance(error, EmptyReply):
                raise error from None  # the model accepts no message in this place
            raise

    async def _after_filter(
        self, model: Model, conversation: Conversation, prompt: Prompt, filtered: ModelAnswer
    ) -> ModelAnswer:
        """The answer to the prompt without what filters object to, with the usage of both calls."""
        changed = await self._cleaned(model, conversation, prompt)
        if changed is None:
            return filtered
        answer = await self._send(model, changed)
        usage = filtered.reply.usage + answer.reply.usage
        return replace(answer, reply=replace(answer.reply, usage=usage))

    def _smaller(
        self, model: Model, conversation: Conversation, prompt: Prompt, error: ContextTooLong
    ) -> Prompt | None:
        """The prompt within half of its size, or the provider's limit if less; None if nothing can be removed."""
        share = min(0.5, (error.fits or 1.0) * _ROOM)
        if not smaller(conversation, prompt.request.fragments, share=share, alone=self._prompts.simple):
            return None
        return self._changed(model, conversation, prompt)

    async def _cleaned(self, model: Model, conversation: Conversation, prompt: Prompt) -> Prompt | None:
        """The prompt without what filters object to; None if it would be the same."""
        sent, session = prompt.request.fragments, self._prompts.step.session
        entries = await self._conversations.sent_entries(session, conversation, sent, self._new)
        return self._changed(model, conversation, prompt) if cleaned(conversation, entries) else None

    def _changed(self, model: Model, conversation: Conversation, prompt: Prompt) -> Prompt:
        """The prompt of the changed conversation, within the same reservation."""
        return _limited(self._prompts.prompt(model, conversation), prompt.request.max_tokens)


def _limited(prompt: Prompt, max_tokens: int | None) -> Prompt:
    return replace(prompt, request=replace(prompt.request, max_tokens=max_tokens))


def _told_to_answer(model: Model, prompt: Prompt) -> Prompt:
    """The prompt after an empty reply.

    After tool results a model may end its turn without text. The same prompt would give the same
    reply, so a message tells it to answer. The message is part of this request only.
    """
    # Each request records its own usage when it fails, so the second one needs its own record.
    request = replace(prompt.request, consumed=Consumed())
    fragments = request.fragments
    if fragments and fragments[-1].kind == "result":
        message = model.fragment(UserEntry(seq=fragments[-1].seq + 1, role="repair", text=_SAY))
        request = replace(request, fragments=[*fragments, message])
    return replace(prompt, request=request)
