"""The models of an agent in their order, and what it means when none of them answers."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from temporalio import activity

from holdfast_activities import clock
from holdfast_activities.context import Conversation, Conversations, PromptAccount
from holdfast_activities.models.base import Model
from holdfast_activities.resilience import LONG_WAIT, nap
from holdfast_activities.state.content.replies import ReplyStore
from holdfast_workflows.contracts.budget import Spent
from holdfast_workflows.contracts.entries import Entry, ReplyEntry
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
from holdfast_workflows.contracts.fallbacks import CachedReply, SimplifiedReply
from holdfast_workflows.contracts.steps import ThinkInput, Wait
from holdfast_workflows.contracts.text import preview

from ..common.agents import LiveAgent
from .guarded_call import GuardedCall, ModelAnswer
from .prompt import PromptSource

_UNTIL_ASKED_AGAIN = 5.0
_REASONS = 600  # characters kept of why models did not answer


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A reply that is there already: an earlier attempt's, with what it settled after it, or a kept one.

    ``account`` is that of the prompt which a kept reply answers.
    """

    reply: ReplyEntry
    ahead: dict[int, Entry]
    settled: bool = True
    account: PromptAccount | None = None


class ModelFallback:
    """Asks an agent's models in order until one answers."""

    def __init__(
        self,
        step: ThinkInput,
        agent: LiveAgent,
        conversations: Conversations,
        prompts: PromptSource,
        asking: GuardedCall,
        replies: ReplyStore,
        again: Callable[[HoldfastError], bool],
    ) -> None:
        """The chain of a step; ``again`` says whether there is an attempt after one that failed so."""
        self._step = step
        self._agent = agent
        self._conversations = conversations
        self._prompts = prompts
        self._asking = asking
        self._replies = replies
        self._again = again
        self._resort = agent.resort(step.fallback)

    async def reply(
        self, seq: int, new: Sequence[Entry], *, look_ahead: bool
    ) -> StoredReply | ModelAnswer | Wait | Spent | None:
        """The reply at ``seq``; None if it is not settled and nobody is to be asked.

        Raises:
            ModelError: No model gave one; with several in the chain the error names each cause.
        """
        causes: list[tuple[str, HoldfastError]] = []
        await self._prompts.prepare()
        for name in self._names():
            try:
                model = self._agent.model(name)
                conversation, ahead = await self._conversations.upto(
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
                )
                before = ahead.get(seq)
                if isinstance(before, ReplyEntry):
                    return StoredReply(before, ahead)
                if not self._step.max_steps:
                    return None
                look_ahead = False
                if kept := await self._kept(model, conversation):
                    return kept
                found = await self._asking.ask(model, conversation)
                return replace(found, instead=_told(causes)) if isinstance(found, ModelAnswer) else found
            except (ModelError, BreakerOpen, LimitReached) as raised:
                error = _lasting(raised)
                activity.logger.warning("%s: %s", name, error)
                # The next model may have answered the same prompt, in a form of its own.
                if not (error.fallback or isinstance(error, NoCachedReply)):
                    raise
                # It is waited for, but not where nobody would come back: then the others are still there.
                if _soon(error) and self._again(error):
                    raise
                causes.append((name, error))
            except HoldfastError as error:
                if not isinstance(error, InvalidDeclaration):
                    raise
                causes.append((name, error))
        return self._verdict(causes)

    def _names(self) -> tuple[str, ...]:
        if isinstance(self._resort, SimplifiedReply):
            return (self._resort.model or self._agent.spec.models[-1],)
        return (self._step.model,) if self._step.model else self._agent.spec.models

    async def _kept(self, model: Model, conversation: Conversation) -> StoredReply | None:
        """The kept reply, if that is the last resort that is asked for.

        Raises:
            NoCachedReply: There is none.
        """
        resort = self._resort
        if not isinstance(resort, CachedReply):
            return None
        prompt = self._prompts.prompt(model, conversation)
        digest = self._prompts.digest(prompt.request)
        body = await self._replies.find(digest, clock.now() - resort.max_age)
        if body is None:
            raise NoCachedReply(f"{model.name}, {resort.max_age:g} s")
        reply = ReplyEntry.model_validate(json.loads(body))
        return StoredReply(reply, {}, settled=False, account=prompt.account)

    def _verdict(self, causes: Sequence[tuple[str, HoldfastError]]) -> Wait:
        """Wait where nothing was asked, and nothing that was asked may yet succeed; else an error."""
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
        # Each may answer when its own time has come, so the first of them says when to come back.
        waits = [error.retry_after or 0.0 for _, error in causes if error.retryable]
        raise AllProvidersFailed(
            "; ".join(f"{name}: {error.code}, {error.detail}" for name, error in causes),
            retry_after=min(waits, default=0.0) or None,
            retryable=bool(waits),
        )


def _lasting(error: HoldfastError) -> HoldfastError:
    """The error that opened a breaker, where waiting does not mend it: a key or an account that is refused."""
    if not isinstance(error, BreakerOpen) or not error.cause:
        return error
    return tree()[error.cause](error.detail)


def _told(causes: Sequence[tuple[str, HoldfastError]]) -> str:
    """Why the models before this one did not answer, in a line."""
    each = (f"{name}: {error.code}, {error.detail.removeprefix(f'{name} ')}" for name, error in causes)
    return preview("; ".join(each), _REASONS)


def _soon(error: HoldfastError) -> bool:
    """Whether the provider said when to come back, and that is soon: then it is waited for."""
    return isinstance(error, RateLimited) and error.retry_after is not None and error.retry_after < LONG_WAIT


def _is_for_waiting(error: HoldfastError) -> bool:
    """Whether nothing was asked, or will be until the time the provider named: waiting costs no attempt."""
    if isinstance(error, RateLimited):
        return error.retry_after is not None and not _soon(error)
    return isinstance(error, BreakerOpen | LimitReached)


def _wait(error: HoldfastError) -> float:
    return _UNTIL_ASKED_AGAIN if error.retry_after is None else error.retry_after
