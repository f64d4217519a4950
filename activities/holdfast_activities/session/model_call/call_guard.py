"""The protections of every model call: circuit breaker, budget reservation and rate limits."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from holdfast_activities.debugging.recording import RECORDING, noting_first, phase
from holdfast_activities.models.base import Model, ModelReply, ModelRequest
from holdfast_activities.resilience import Admission, Resilience, counts, reason_of
from holdfast_activities.state.coordination.bucket import Rate
from holdfast_activities.tracing import spans
from holdfast_workflows.contracts.agent.budget import Spent
from holdfast_workflows.contracts.errors import HoldfastError, ModelError, RateLimited
from holdfast_workflows.contracts.session.entries import Usage
from holdfast_workflows.contracts.session.steps import Wait

from .reservation import BudgetReservation, CostEstimate

_GUESSED_REPLY = 500
"""Tokens counted against a rate limit for a reply, until its usage is known."""


def provider_of(model: str) -> str:
    """The provider in a model's name."""
    return model.partition(":")[0]


class BudgetRefused(Exception):
    """The budget has no room for the call: ``Wait`` if only for now, else ``Spent``."""

    def __init__(self, reason: Wait | Spent) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(slots=True)
class AdmittedCall:
    """A call that may be made. The caller sets ``reply`` once there is one.

    ``estimate`` is what is reserved for it. ``max_tokens`` limits its reply; None without a budget.
    """

    estimate: CostEstimate
    max_tokens: int | None
    reply: ModelReply | None = None


class CallGuard:
    """Admits the model calls of one activity of an agent, paid from ``budget``, and records their outcomes.

    ``unanswered`` is the usage of calls that ended without a reply.
    """

    def __init__(self, resilience: Resilience, budget: BudgetReservation, agent: str) -> None:
        self._resilience = resilience
        self._agent = agent
        self.metrics = resilience.metrics
        self.budget = budget
        self.unanswered = Usage()

    def count_unanswered(self, model: Model, used: Usage | None) -> None:
        """Record the usage of a call that ended without a reply; it is paid with the next charge."""
        if used is not None:
            self.unanswered += used
            self.budget.count(model, used)

    @asynccontextmanager
    async def admit(self, model: Model, prompt_bytes: int, max_tokens: int) -> AsyncGenerator[AdmittedCall]:
        """Admit one call, which is made in the block, and report its outcome to breaker and limits.

        Raises BreakerOpen, LimitReached or BudgetRefused if it must not be made now, and ModelUnpriced if a budget
        in dollars could not limit it.
        """
        self.budget.expect_price(model)
        breakers, provider = self._resilience.breakers, provider_of(model.name)
        admission = await breakers.admit(f"provider:{provider}")
        try:
            call = await self._reserve(model, CostEstimate(prompt_bytes // 3, max_tokens))
            tokens = prompt_bytes // 4 + min(call.estimate.output, _GUESSED_REPLY)
            async with self._rate_limits(model, call, tokens):
                yield call
        except ModelError as error:
            if error.retryable:  # otherwise the cause was this prompt or key, not the provider's state
                self._resilience.retries.note(f"model:{provider}", ok=False)
            await self._report_failure(admission, model, error)
            raise
        except BaseException:
            # A limit refused the call, or it was cancelled: that says nothing about the provider.
            await breakers.abandoned(admission)
            raise
        self._resilience.retries.note(f"model:{provider}", ok=True)
        await breakers.succeeded(admission)

    async def send(
        self,
        model: Model,
        request: ModelRequest,
        on_text: Callable[[str], None] | None = None,
        *,
        purpose: str = "",
    ) -> ModelReply:
        """Make an admitted call, and record it in the metrics and in a span. ``purpose`` is that of a side call."""
        began, outcome = time.monotonic(), "cancelled"
        try:
            recording, on_text = RECORDING.get(), noting_first(on_text)
            if recording is not None:
                recording.prompt(model.name, request, purpose)
            with phase("model call"), spans.model_call(model, request, purpose=purpose) as span:
                reply = await model.complete(request, span.timed(on_text) if on_text else None)
                span.replied(reply)
            if recording is not None:
                recording.reply(reply)
            outcome, request.consumed.usage = "ok", reply.usage
        except HoldfastError as error:
            outcome = error.code
            self.metrics.count("holdfast_errors_total", source="model", kind=error.kind, code=error.code)
            raise
        finally:
            self._record(model.name, outcome, time.monotonic() - began, request.consumed.usage)
        return reply

    def _record(self, model: str, outcome: str, seconds: float, used: Usage | None) -> None:
        self.metrics.count("holdfast_model_calls_total", agent=self._agent, model=model, outcome=outcome)
        self.metrics.observe("holdfast_model_call_seconds", seconds, model=model)
        if used is None:
            return
        kinds = {"input": used.input_tokens, "output": used.output_tokens, "cached": used.cached_tokens}
        for kind, tokens in kinds.items():
            self.metrics.count("holdfast_tokens_total", tokens, agent=self._agent, model=model, kind=kind)
        self.metrics.add("holdfast_cost_dollars_total", used.cost, agent=self._agent, model=model)

    async def _reserve(self, model: Model, estimate: CostEstimate) -> AdmittedCall:
        allowed = await self.budget.reserve(model, estimate)
        if not isinstance(allowed, int):
            if isinstance(allowed, Spent):
                self.metrics.count("holdfast_budget_refusals_total", account=allowed.scope)
            raise BudgetRefused(allowed)
        return AdmittedCall(CostEstimate(estimate.prompt, allowed), allowed if self.budget.active else None)

    def _rates(self, model: Model) -> list[tuple[str, Rate]]:
        """The rate limits that a call counts against, by their keys."""
        # No rate is configured for the model itself, but the provider may have blocked it for a while.
        rates = [(f"model:{model.name}", Rate()), (f"provider:{provider_of(model.name)}", model.rate)]
        limits = self.budget.payer.limits
        if limits is not None and (limits.requests_per_minute or limits.tokens_per_minute):
            tenant = Rate(limits.requests_per_minute, limits.tokens_per_minute)
            rates.append((f"tenant:{self.budget.payer.tenant}", tenant))
        return rates

    @asynccontextmanager
    async def _rate_limits(self, model: Model, call: AdmittedCall, estimate: int) -> AsyncGenerator[None]:
        """Count the call against its rate limits: first as estimated, then with its usage."""
        limits, taken, sent = self._resilience.limits, list[tuple[str, Rate]](), False
        try:
            for key, rate in self._rates(model):
                await limits.take(key, rate, estimate)
                taken.append((key, rate))
            sent = True
            yield
        finally:
            used, remaining = 0, None
            if call.reply is not None:
                used = call.reply.usage.input_tokens + call.reply.usage.output_tokens
                remaining = call.reply.remaining
            for key, rate in taken:
                reported = remaining if key.startswith("provider:") else None
                limits.settle(key, rate, estimate, used, reported, sent=sent)

    async def _report_failure(self, admission: Admission, model: Model, error: ModelError) -> None:
        breakers = self._resilience.breakers
        if isinstance(error, RateLimited):
            # The provider is up, but must not be called now: neither a success nor a failure.
            await breakers.abandoned(admission)
            if error.retry_after:
                # Providers limit each model separately; another model of theirs may still answer.
                await self._resilience.limits.block(f"model:{model.name}", error.retry_after)
        elif counts(error):
            await breakers.failed(admission, reason_of(error))
        else:
            await breakers.succeeded(admission)
