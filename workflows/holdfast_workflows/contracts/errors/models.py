"""Errors of model providers and their answers."""

from .base import HoldfastError


class ModelError(HoldfastError, code="model", kind="unknown", fallback=True):
    """The model provider returned no usable answer."""


class ModelTransient(ModelError, code="model_transient", kind="transient", retryable=True):
    """The model provider failed temporarily: overload, timeout or a broken connection."""


class RateLimited(ModelTransient, code="rate_limited", kind="rate_limit"):
    """The model provider limits the request rate; the call is retried when the limit allows."""


class ModelRejected(ModelError, code="model_rejected", kind="permanent"):
    """The model provider refused the request; check the API key, the model's name and the base URL."""

    account: bool = False
    """Whether the key or the account was refused, so that the provider would refuse every other request too."""


class ModelUnpriced(ModelError, code="model_unpriced", kind="permanent"):
    """The model has no known price, so a budget in dollars cannot limit it; set its price in HOLDFAST_PRICES (0 for a free model), or limit tokens instead."""


class ContextTooLong(ModelRejected, code="context_too_long", kind="context_length"):
    """The prompt is longer than the model's context window; lower Agent(context_window=…) or shorten the instructions."""

    fits: float | None = None
    """The fraction of the prompt that fits, if the provider reported both sizes."""


class ProviderQuota(ModelRejected, code="provider_quota", kind="quota"):
    """The account at the model provider has no quota or credit left; add credit, or add another provider to Agent(model=[…])."""

    account = True


class ModelStopped(ModelError, code="model_stopped", fallback=False):
    """The model stopped before its reply was complete."""


class OutputCutOff(ModelStopped, code="output_cut_off", kind="malformed_output"):
    """The reply reached its length limit and was cut off; raise Agent(max_tokens=…) or ask for a shorter reply."""


class ContentFiltered(ModelStopped, code="content_filtered", kind="content_filter", fallback=True):
    """The provider's content filter stopped the reply; rephrase the message."""


class ModelRefused(ModelStopped, code="model_refused", kind="refusal"):
    """The model declined to answer; rephrase the message."""


class MalformedReply(ModelError, code="malformed_reply", kind="malformed_output", retryable=True):
    """The provider returned a response that its API does not allow."""


class EmptyReply(MalformedReply, code="empty_reply"):
    """The reply has neither text nor a tool call; rephrase the message, or add a model to Agent(model=[…])."""


class AllProvidersFailed(ModelError, code="all_providers_failed", retryable=True):
    """Every model of the agent failed; fix one of the causes in the detail, or add a model to Agent(model=[…]) or a fallback to Agent(fallbacks=[…])."""


class NoCachedReply(ModelError, code="no_cached_reply", fallback=False):
    """No recent reply to the same prompt is cached; the next fallback is tried."""
