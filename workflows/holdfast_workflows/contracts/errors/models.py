"""Errors of model providers and their answers."""

from .base import HoldfastError


class ModelError(HoldfastError):
    """The model provider did not give a usable answer."""

    code = "model"
    kind = "unknown"
    fallback = True


class ModelTransient(ModelError):
    """The model provider failed in a way that may pass: overload, time-out, a broken connection."""

    code = "model_transient"
    kind = "transient"
    retryable = True


class RateLimited(ModelTransient):
    """The model provider limits the rate; the call is tried again when it allows."""

    code = "rate_limited"
    kind = "rate_limit"


class ModelRejected(ModelError):
    """The model provider refused the request; check the key, the model's name and the base URL."""

    code = "model_rejected"
    kind = "permanent"
    account: bool = False
    """Whether the key or the account was refused, so that the provider would refuse every other request, too."""


class ContextTooLong(ModelRejected):
    """The prompt is longer than the model's context window; lower Agent(context_window=…) or shorten the instructions."""

    code = "context_too_long"
    kind = "context_length"
    fits: float | None = None
    """The part of the prompt for which there is room, where the provider told both sizes."""


class ProviderQuota(ModelRejected):
    """The account at the model provider has no quota or credit left; pay, or add another provider to Agent(model=[…])."""

    code = "provider_quota"
    kind = "quota"
    account = True


class ModelStopped(ModelError):
    """The model stopped before it was done."""

    code = "model_stopped"
    fallback = False


class OutputCutOff(ModelStopped):
    """The reply reached its length limit and was cut off; raise Agent(max_tokens=…) or ask for less."""

    code = "output_cut_off"
    kind = "malformed_output"


class ContentFiltered(ModelStopped):
    """The provider's content filter stopped the reply; rephrase the message."""

    code = "content_filtered"
    kind = "content_filter"
    fallback = True


class ModelRefused(ModelStopped):
    """The model declined to answer; rephrase the message."""

    code = "model_refused"
    kind = "refusal"


class MalformedReply(ModelError):
    """The provider sent an answer that is not what its interface promises."""

    code = "malformed_reply"
    kind = "malformed_output"
    retryable = True


class EmptyReply(MalformedReply):
    """The model answered with neither text nor a tool call; rephrase the message, or add a model to Agent(model=[…])."""

    code = "empty_reply"


class AllProvidersFailed(ModelError):
    """Every model of the agent failed; the detail names each cause. Repair one of them, or add a model to Agent(model=[…]) or a fallback."""

    code = "all_providers_failed"
    retryable = True


class NoCachedReply(ModelError):
    """No recent reply to the same prompt is cached; the next fallback is tried."""

    code = "no_cached_reply"
    fallback = False
