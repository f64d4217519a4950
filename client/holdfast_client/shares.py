"""Priority and fairness of a session when workers are busy."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from temporalio.common import Priority

from holdfast_workflows.contracts.errors import BadInput
from holdfast_workflows.contracts.text.unicode import size

_MAX_KEY: Final = 64
"""Bytes of a fairness key, for Temporal."""


def of(tenant: str, priority: int | None = None, weight: float | None = None) -> Priority:
    """Return the priority of a session's tasks, which its activities and later runs inherit.

    Tenants share the workers by weight; sessions without a tenant count as one tenant. A lower
    priority number goes first regardless of the weights.

    Priority is 1 (first) to 5, 3 by default; weight is 0.001 to 1,000, 1 by default.
    """
    if priority is not None and not 1 <= priority <= 5:
        raise BadInput(f"priority={priority}: it is 1 (first) to 5 (last)")
    if weight is not None and not 0.001 <= weight <= 1_000:
        raise BadInput(f"weight={weight}: it is 0.001 to 1,000")
    key = tenant if size(tenant) <= _MAX_KEY else sha256(tenant.encode(errors="replace")).hexdigest()
    return Priority(priority_key=priority, fairness_key=key or None, fairness_weight=weight)
