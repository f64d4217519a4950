"""Refusals of the egress guard."""

from holdfast_workflows.contracts.errors import EgressRefused


def refused(rule: str, what: str, remedy: str) -> EgressRefused:
    """The error for a request that a rule refuses; the model reads the rule, the reason and the remedy."""
    error = EgressRefused(f"refused by rule {rule!r}: {what}; {remedy}")
    error.rule = rule
    return error
