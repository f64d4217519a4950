"""What every model call is under, in a step or beside it: rate limits, and a breaker that is told how it went."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from holdfast_activities.models.base import Model, ModelReply, Remaining
from holdfast_activities.resilience import Admission, Resilience, counts, reason_of
from holdfast_activities.state.coordination.bucket import Rate
from holdfast_workflows.contracts.breakers import TenantLimits
from holdfast_workflows.contracts.errors import ModelError, RateLimited


def provider_of(model: str) -> str:
    """The part of a model's name that says who serves it."""
    return model.partition(":")[0]


def rates(model: Model, tenant: str, limits: TenantLimits | None) -> list[tuple[str, Rate]]:
    """The rate limits that a call is taken from, by their keys."""
    # Of the model itself nothing is configured, but the provider may have said to wait.
    found = [(f"model:{model.name}", Rate()), (f"provider:{provider_of(model.name)}", model.rate)]
    if limits is not None and (limits.requests_per_minute or limits.tokens_per_minute):
        found.append((f"tenant:{tenant}", Rate(limits.requests_per_minute, limits.tokens_per_minute)))
    return found


@dataclass
class Used:
    """What a call turned out to use, in tokens, and what its provider says is left; nothing until it is answered."""

    tokens: int = 0
    remaining: Remaining | None = None

    def by(self, reply: ModelReply) -> None:
        """Take in the answer."""
        self.tokens = reply.usage.input_tokens + reply.usage.output_tokens
        self.remaining = reply.remaining


@asynccontextmanager
async def call_limits(
    resilience: Resilience, under: Iterable[tuple[str, Rate]], estimate: int
) -> AsyncGenerator[Used]:
    """Take a call from every rate limit that it is under: at first as estimated, at the end as used."""
    limits, taken = resilience.limits, list[tuple[str, Rate]]()
    used, sent = Used(), False
    try:
        for key, rate in under:
            await limits.take(key, rate, estimate)
            taken.append((key, rate))
        sent = True
        yield used
    finally:
        for key, rate in taken:
            remaining = used.remaining if key.startswith("provider:") else None
            limits.settle(key, rate, estimate, used.tokens, remaining, sent=sent)


async def report_failure(
    resilience: Resilience, admission: Admission, model: Model, error: ModelError
) -> None:
    """Tell the breaker, and everybody who asks the same model, what a failure says of it."""
    breakers = resilience.breakers
    if isinstance(error, RateLimited):
        # It is neither down nor fit to be asked.
        await breakers.abandoned(admission)
        if error.retry_after:
            # Providers limit each model by itself; another one of theirs may well answer.
            await resilience.limits.block(f"model:{model.name}", error.retry_after)
    elif counts(error):
        await breakers.failed(admission, reason_of(error))
    else:
        await breakers.succeeded(admission)
