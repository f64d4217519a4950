"""The models of an agent, tried in order, and the outcome when none of them answers."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.context import Conversation, Conversations, PromptAccount
from holdfast_activities.context.untrusted.links import Links
from holdfast_activities.context.untrusted.vault import Vault
from holdfast_activities.debugging.recording import timed
from holdfast_activities.models.base import Model
from holdfast_activities.resilience import LONG_WAIT, nap
from holdfast_activities.state.content.replies import ReplyStore
from holdfast_workflows.contracts.agent.budget import Spent
from holdfast_workflows.contracts.agent.fallbacks import CachedReply, SimplifiedReply
from holdfast_workflows.contracts.errors import (
    AllProvidersFailed,
    BreakerOpen,
    HoldfastError,
    InvalidDeclaration,
    LimitReached,
    ModelError,
    NoCachedReply,
    RateLimited,
    tree,
)
from holdfast_workflows.contracts.session.entries import Entry, ReplyEntry
from holdfast_workflows.contracts.session.steps import Wait
from holdfast_workflows.contracts.text.unicode import preview

from .guarded_call import GuardedCall, ModelAnswer
from .prompt import PromptSource

_DEFAULT_WAIT = 5.0  # seconds
_REASONS = 600  # characters of the reasons why models did not answer


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A reply that exists already: one of an earlier attempt, with the entries after it (``ahead``), or a cached one.

    ``account`` describes the prompt that a cached reply answers.
    """

    reply: ReplyEntry
    ahead: dict[int, Entry]
    settled: bool = True
    account: PromptAccount | None = None


class ModelFallback:
    """Calls an agent's models in order until one answers."""

    def __init__(
        self,
        call: GuardedCall,
        prompts: PromptSource,
        conversations: Conversations,
        replies: ReplyStore,
        is_retried: Callable[[HoldfastError], bool],
    ) -> None:
        """Set up the fallback of a step; ``is_retried`` says whether the activity is retried after an error."""
        self._call = call
        self._prompts = prompts
        self._step = prompts.step
        self._agent = prompts.agent
        self._conversations = conversations
        self._replies = replies
        self._is_retried = is_retried
        self.links, self.vault = Links(), Vault()
        """The links and the personal data of the conversation from which the latest prompt was made."""
        self._fallback = prompts.agent.fallback(prompts.step.fallback)

    async def reply(
        self, seq: int, new: Sequence[Entry], *, look_ahead: bool
    ) -> StoredReply | ModelAnswer | Wait | Spent | None:
        """Return the reply at ``seq``; None if it is not settled and no model may be called.

        Raises a ModelError if no model answered; with several models it names each cause.
        """
        causes: list[tuple[str, HoldfastError]] = []
        await self._prompts.prepare()
        for name in self._names():
            try:
                model = self._agent.model(name)
                reading = self._conversations.upto(
                    self._step.session,
                    model,
                    seq,
                    new,
                    look_ahead=look_ahead,
                    summary=self._step.summary,
                    window=self._agent.spec.context_window,
                    reference=self._prompts.readable,
                    settled=self._step.settled,
                    abandoned=self._step.abandoned,
                    trusted=self._agent.trusted,
                    pii=self._agent.spec.pii,
                )
                conversation, ahead = await timed("conversation", reading)
                self.links, self.vault = conversation.links, conversation.vault
                if isinstance(before := ahead.get(seq), ReplyEntry):
                    return StoredReply(before, ahead)
                if self._step.mode == "read":
                    return None
                look_ahead = False
                await self._prompts.instruct()
                if cached := await self._cached(model, conversation):
                    return cached
                answer = await self._call.ask(model, conversation)
                return (
                    replace(answer, instead=_summary(causes)) if isinstance(answer, ModelAnswer) else answer
                )
            except InvalidDeclaration as invalid:
                causes.append((name, invalid))
            except (ModelError, BreakerOpen, LimitReached) as raised:
                error = _lasting(raised)
                activity.logger.warning("%s: %s", name, error)
                # Another model may have a cached reply to the same prompt.
                if not (error.fallback or isinstance(error, NoCachedReply)):
                    raise
                # Wait for this model, unless this was the last attempt: then try the others.
                if _soon(error) and self._is_retried(error):
                    raise
                causes.append((name, error))
        return self._verdict(causes)

    def _names(self) -> tuple[str, ...]:
        if isinstance(self._fallback, SimplifiedReply):
            return (self._fallback.model or self._agent.spec.models[-1],)
        return (self._step.model,) if self._step.model else self._agent.spec.models

    async def _cached(self, model: Model, conversation: Conversation) -> StoredReply | None:
        """The cached reply if the fallback in use is ``CachedReply``; NoCachedReply if none matches."""
        fallback = self._fallback
        if not isinstance(fallback, CachedReply):
            return None
        prompt = self._prompts.prompt(model, conversation)
        digest = self._prompts.digest(prompt.request)
        body = await self._replies.find(digest, clock.now() - fallback.max_age)
        if body is None:
            raise NoCachedReply(f"{model.name}, {fallback.max_age:g} s")
        reply = ReplyEntry.model_validate(json.loads(body))
        return StoredReply(reply, {}, settled=False, account=prompt.account)

    def _verdict(self, causes: Sequence[tuple[str, HoldfastError]]) -> Wait:
        """Return a wait if no call was made and no failed one may be retried; otherwise raise."""
        refused = [error for _, error in causes if _is_for_waiting(error)]
        failed = [error for _, error in causes if not _is_for_waiting(error)]
        if refused and not any(error.retryable for error in failed):
            first = min(refused, key=_wait)
            open_ = any(isinstance(error, BreakerOpen) for error in refused)
            return Wait(
                seconds=_wait(first),
                reason="; ".join(f"{name}: {error.detail or error.code}" for name, error in causes),
                kind="breaker" if isinstance(first, BreakerOpen) else "limit",
                error_code=first.code if len(causes) == 1 else AllProvidersFailed.code,
                nap=nap() if open_ else None,
            )
        if len(causes) == 1:
            raise causes[0][1]
        # Each model may answer after its own wait, so the shortest one counts.
        waits = [error.retry_after or 0.0 for _, error in causes if error.retryable]
        raise AllProvidersFailed(
            "; ".join(f"{name}: {error.code}, {error.detail}" for name, error in causes),
            retry_after=min(waits, default=0.0) or None,
            retryable=bool(waits),
        )


def _lasting(error: HoldfastError) -> HoldfastError:
    """The error that opened a breaker, if waiting does not help: a rejected key or account."""
    if not isinstance(error, BreakerOpen) or not error.cause:
        return error
    return tree()[error.cause](error.detail)


def _summary(causes: Sequence[tuple[str, HoldfastError]]) -> str:
    """Why the models before this one did not answer, on one line."""
    each = (f"{name}: {error.code}, {error.detail.removeprefix(f'{name} ')}" for name, error in causes)
    return preview("; ".join(each), _REASONS)


def _soon(error: HoldfastError) -> bool:
    """Whether the provider named a short wait."""
    return isinstance(error, RateLimited) and error.retry_after is not None and error.retry_after < LONG_WAIT


def _is_for_waiting(error: HoldfastError) -> bool:
    """Whether no call was made, or the provider named a long wait. Waiting then costs no attempt."""
    if isinstance(error, RateLimited):
        return error.retry_after is not None and not _soon(error)
    return isinstance(error, BreakerOpen | LimitReached)


def _wait(error: HoldfastError) -> float:
    return _DEFAULT_WAIT if error.retry_after is None else error.retry_after
