"""What every model call is under, in a step or beside it: rate limits, and a breaker that is told how it went."""

from holdfast_activities.models.base import Model
from holdfast_activities.resilience import Admission, Resilience, counts
from holdfast_activities.state.shared import Rate
from holdfast_workflows.contracts.circuits import TenantLimits
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


async def blame(resilience: Resilience, admission: Admission, model: Model, error: ModelError) -> None:
    """Tell the breaker, and everybody who asks the same model, what a failure says of it."""
    breakers = resilience.breakers
    if isinstance(error, RateLimited):
        # It is neither down nor fit to be asked.
        await breakers.abandoned(admission)
        if error.retry_after:
            # Providers limit each model by itself; another one of theirs may well answer.
            await resilience.limits.block(f"model:{model.name}", error.retry_after)
    elif counts(error):
        await breakers.failed(admission, str(error))
    else:
        await breakers.succeeded(admission)
