"""Classification of errors, retries, circuit breakers and rate limits."""

from .breakers import Admission, Breakers, counts, nap, reason_of
from .classify import classify
from .limits import Limits
from .resilience import Resilience
from .retrying import LONG_WAIT, Choice, Retries

__all__ = [
    "LONG_WAIT",
    "Admission",
    "Breakers",
    "Choice",
    "Limits",
    "Resilience",
    "Retries",
    "classify",
    "counts",
    "nap",
    "reason_of",
]
